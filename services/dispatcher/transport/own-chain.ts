import { createHash, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { x509 } from '@ngome/runtime'

export type OwnChain = { readonly leaf: X509Certificate; readonly issuer: X509Certificate }

/** The gateway judges what it serves; longer chains than this are somebody's trick. */
const chainLengthMax = 10

/**
 * Proves that a chain is of this platform's public API: a gateway wrote it, and one that was stolen would have us ask
 * anybody about anything.
 * @param leaf SHA-256 of its leaf (DER)
 * @param chain PEM, the leaf first
 * @returns `undefined` where no root that clients trust is above it, or it is for none of our names, or not of now
 */
export function ownChain(
  { leaf: digest, chain: text }: { readonly leaf: Uint8Array; readonly chain: string },
  { roots, names, nowMs }: { readonly roots: readonly string[]; readonly names: readonly string[]; readonly nowMs: number },
): OwnChain | undefined {
  const chain = parseChain(text)
  const [leaf, issuer] = chain
  const last = chain.at(-1)
  if (leaf === undefined || issuer === undefined || last === undefined || chain.length > chainLengthMax) return undefined
  if (!createHash('sha256').update(leaf.raw).digest().equals(digest)) return undefined
  const isOfNow = ({ validFromDate, validToDate }: X509Certificate): boolean => validFromDate.getTime() <= nowMs && validToDate.getTime() > nowMs
  const isLinked = chain.every((certificate, depth) => isOfNow(certificate) && (depth === 0 || isIssued(chain[depth - 1], certificate)))
  const isNamed = names.some((name) => (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined)
  if (!isLinked || !isNamed) return undefined
  const isTrusted = roots.flatMap(parseChain).some((root) => root.raw.equals(last.raw) || isOfNow(root) && isIssued(last, root))
  return isTrusted ? { leaf, issuer } : undefined
}

function isIssued(certificate: X509Certificate | undefined, by: X509Certificate): boolean {
  return certificate !== undefined && by.ca && certificate.checkIssued(by) && certificate.verify(by.publicKey)
}

function parseChain(text: string): readonly X509Certificate[] {
  try {
    return x509.PemConverter.decode(text).map((raw) => new X509Certificate(Buffer.from(raw)))
  } catch {
    return []
  }
}
