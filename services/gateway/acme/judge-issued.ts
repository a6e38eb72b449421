import { X509Certificate } from 'node:crypto'
import { certificateNames, sameNames } from '@ngome/runtime'
import { judgeCertificate, type CertificateVerdict } from '../transport/judge-certificate.ts'

/** PEM files of several roots have text between them. */
const pemPattern = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
/** Of a file that we wrote ourselves. */
const ownMode = 0o600

/**
 * Says whether what came for an order may be what the Internet sees of us: all that the operator's own files must be, and
 * besides for exactly the names that were ordered, from an authority that our clients trust. It came through a table that
 * others write.
 * @param roots what clients trust, PEM, one or more in each
 */
export function judgeIssued(
  { chain, key }: { readonly chain: string; readonly key: string },
  { names, publicNames, roots, nowMs }: {
    readonly names: readonly string[]; readonly publicNames: readonly string[]; readonly roots: readonly string[]; readonly nowMs: number
  },
): CertificateVerdict {
  const verdict = judgeCertificate({ chain, key, keyMode: ownMode }, { names: publicNames, nowMs })
  if (!verdict.ok) return verdict
  if (!sameNames(certificateNames(verdict.leaf), names)) return { ok: false, reason: 'names_differ' }
  const top = verdict.certificate.cert.match(pemPattern)?.at(-1)
  return top !== undefined && isTrusted(new X509Certificate(top), roots) ? verdict : { ok: false, reason: 'chain_untrusted' }
}

function isTrusted(top: X509Certificate, roots: readonly string[]): boolean {
  return roots.flatMap((text) => text.match(pemPattern) ?? []).some((pem) => {
    const root = new X509Certificate(pem)
    return root.fingerprint256 === top.fingerprint256 || (root.ca && top.checkIssued(root) && top.verify(root.publicKey))
  })
}
