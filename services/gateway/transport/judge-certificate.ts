import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import type { CertificateRefusal } from '@ngome/contracts'
import { isWeakSignature, mustStaple, ocspResponder, seenCertificate, weakKey } from '@ngome/runtime'
import type { PublicCertificate } from '../http/public-server.ts'

export type CertificateFiles = {
  /** PEM, the leaf first. */
  readonly chain: string
  /** PEM. */
  readonly key: string
  /** Of the key's file. */
  readonly keyMode: number
}
export type CertificateVerdict =
  | { readonly ok: true; readonly certificate: PublicCertificate; readonly leaf: X509Certificate }
  | { readonly ok: false; readonly reason: CertificateRefusal }

/** A chain of ten certificates of RSA-4096 is 20 KiB. */
const chainCharactersMax = 65_536
const chainLengthMax = 10
/** A group may read, so that the file can be its operator's and the process another user; nobody else may do anything. */
const exposedBits = 0o027
/** RFC 5280 §4.2.1.12: id-kp-serverAuth. */
const serverAuthOid = '1.3.6.1.5.5.7.3.1'
const pemPattern = /-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----/g

/** Says whether a certificate and its key may be what the Internet sees of us under these names. */
export function judgeCertificate(
  { chain: text, key, keyMode }: CertificateFiles, { names, nowMs }: { readonly names: readonly string[]; readonly nowMs: number },
): CertificateVerdict {
  if ((keyMode & exposedBits) !== 0) return refused('key_exposed')
  const chain = parseChain(text)
  const privateKey = parseKey(key)
  const leaf = chain?.[0]
  if (chain === undefined || privateKey === undefined || leaf === undefined) return refused('not_pem')
  if (!leaf.checkPrivateKey(privateKey)) return refused('key_mismatch')
  const reason = judgeUse(leaf, names, chain.length > 1) ?? judgeChain(chain, nowMs)
  if (reason !== undefined) return refused(reason)
  return { ok: true, leaf, certificate: { key, cert: chain.map((certificate) => certificate.toString()).join('') } }
}

const refused = (reason: CertificateRefusal): CertificateVerdict => ({ ok: false, reason })

function judgeUse(leaf: X509Certificate, names: readonly string[], hasIssuer: boolean): CertificateRefusal | undefined {
  if (leaf.ca) return 'not_for_servers'
  // Node calls it keyUsage: the OIDs of the extended one, where there is one.
  const usages = leaf.keyUsage as readonly string[] | undefined
  if (usages !== undefined && !usages.includes(serverAuthOid)) return 'not_for_servers'
  // Where nobody can be asked for what it demands, every client that obeys the certificate would turn away.
  if (mustStaple(leaf) && (!hasIssuer || ocspResponder(leaf) === undefined)) return 'must_staple'
  const isNamed = (name: string): boolean => (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined
  return names.every(isNamed) ? undefined : 'name_missing'
}

function judgeChain(chain: readonly X509Certificate[], nowMs: number): CertificateRefusal | undefined {
  for (const [depth, certificate] of chain.entries()) {
    const above = chain[depth + 1]
    if (above !== undefined && !(above.ca && certificate.checkIssued(above) && certificate.verify(above.publicKey))) return 'chain_disordered'
    if (certificate.validToDate.getTime() <= nowMs) return 'expired'
    if (certificate.validFromDate.getTime() > nowMs) return 'not_yet_valid'
    const seen = seenCertificate(certificate)
    if (weakKey(seen, depth === 0 ? 'own' : 'authority') !== undefined) return 'key_weak'
    if (seen.subject !== seen.issuer && isWeakSignature(seen.signatureAlgorithm)) return 'signature_weak'
  }
  return undefined
}

function parseChain(text: string): readonly X509Certificate[] | undefined {
  const normal = text.replaceAll('\r\n', '\n')
  const found = normal.length > chainCharactersMax ? [] : normal.match(pemPattern) ?? []
  // What is between certificates may be comments, and no half of another certificate.
  const rest = normal.replaceAll(pemPattern, '')
  if (found.length === 0 || found.length > chainLengthMax || rest.includes('-----')) return undefined
  try {
    return found.map((pem) => new X509Certificate(pem))
  } catch {
    return undefined
  }
}

function parseKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text)
  } catch {
    return undefined
  }
}
