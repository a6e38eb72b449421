import { verify, X509Certificate, type KeyObject } from 'node:crypto'
import type { StapleFailure } from '@ngome/contracts'
import { isWeakSignature, weakKey } from '../transport/key-strength.ts'
import { seenCertificate } from '../transport/seen-certificate.ts'
import { certIdDigests, sha1 } from './cert-id-digests.ts'
import { certificateParts } from './certificate-parts.ts'
import { NotDer, oidHex } from './der.ts'
import { parseOcspResponse, type OcspAnswer, type SingleStatus } from './parse-ocsp-response.ts'

/** What an OCSP response says of a certificate, where it is proven; else why it is not. Times in milliseconds. */
export type OcspProof =
  | { readonly kind: 'good'; readonly thisUpdateMs: number; readonly nextUpdateMs: number }
  | { readonly kind: 'revoked'; readonly thisUpdateMs: number; readonly nextUpdateMs: number; readonly revokedAtMs: number }
  | { readonly kind: 'refused'; readonly reason: StapleFailure }

/** How far a responder's clock may be ahead of ours. */
const skewMs = 300_000
/** RFC 6960 §4.2.2.2: id-kp-OCSPSigning. */
const ocspSigningOid = '1.3.6.1.5.5.7.3.9'
/** No SHA-1, no RSA-PSS: responders of public authorities sign with one of these. */
const algorithms: Readonly<Record<string, { readonly hash: string | null; readonly keyType: string }>> = {
  [oidHex('1.2.840.113549.1.1.11')]: { hash: 'sha256', keyType: 'rsa' },
  [oidHex('1.2.840.113549.1.1.12')]: { hash: 'sha384', keyType: 'rsa' },
  [oidHex('1.2.840.113549.1.1.13')]: { hash: 'sha512', keyType: 'rsa' },
  [oidHex('1.2.840.10045.4.3.2')]: { hash: 'sha256', keyType: 'ec' },
  [oidHex('1.2.840.10045.4.3.3')]: { hash: 'sha384', keyType: 'ec' },
  [oidHex('1.2.840.10045.4.3.4')]: { hash: 'sha512', keyType: 'ec' },
  [oidHex('1.3.101.112')]: { hash: null, keyType: 'ed25519' },
}

/** Whose status is asked for, who issued it, and what time it is. */
export type Asked = { readonly leaf: X509Certificate; readonly issuer: X509Certificate; readonly nowMs: number }

/**
 * Proves an OCSP response (RFC 6960 §3.2): that it is about this certificate, signed by its issuer or by whom the issuer
 * charged with it, and of now. Whatever is not proven is refused.
 * @param bytes an OCSPResponse, DER, as it came
 */
export function proveOcspResponse(bytes: Uint8Array, asked: Asked): OcspProof {
  try {
    const answer = parseOcspResponse(bytes)
    return answer === undefined ? refused('declined') : prove(answer, asked)
  } catch (error) {
    if (error instanceof NotDer) return refused('malformed')
    throw error
  }
}

const refused = (reason: StapleFailure): OcspProof => ({ kind: 'refused', reason })

function prove(answer: OcspAnswer, asked: Asked): OcspProof {
  const [single, another] = answer.singles.filter((one) => isAbout(one, asked))
  // Two of one certificate could say two things, and which one a client takes is not ours to know.
  if (single === undefined || another !== undefined) return refused('certificate_other')
  if (answer.hasCriticalExtension || single.hasCriticalExtension) return refused('critical_extension')
  const algorithm = algorithms[answer.algorithmOid]
  if (algorithm === undefined) return refused('algorithm')
  const key = responderKey(answer, asked)
  if (key === undefined) return refused('responder_unproven')
  if (key.asymmetricKeyType !== algorithm.keyType) return refused('algorithm')
  if (!isSigned(answer, key, algorithm.hash)) return refused('signature')
  return judgeTime(single, answer, asked)
}

function isAbout({ hashOid, issuerNameHash, issuerKeyHash, serial }: SingleStatus, { leaf, issuer }: Asked): boolean {
  const digest = certIdDigests[hashOid]
  if (digest === undefined) return false
  const [own, above] = [certificateParts(leaf), certificateParts(issuer)]
  return Buffer.from(own.serial).equals(serial) && digest(own.issuer).equals(issuerNameHash) && digest(above.publicKey).equals(issuerKeyHash)
}

/**
 * The key of whom the answer names as its signer: the issuer, or one that the issuer itself certified for this alone.
 * Whether such a certificate was revoked is not asked: authorities mark it so that nobody does (id-pkix-ocsp-nocheck), and
 * it lives for weeks.
 */
function responderKey({ responder, certificates }: OcspAnswer, asked: Asked): KeyObject | undefined {
  const { issuer } = asked
  // Nothing signs what is sent along. Whatever the issuer did not is somebody's on the way, and clients would get it from us.
  const others = certificates.filter((raw) => !issuer.raw.equals(raw)).map((raw) => issuedBy(issuer, raw))
  if (others.includes(undefined)) return undefined
  const isNamed = (certificate: X509Certificate): boolean => {
    const { subject, publicKey } = certificateParts(certificate)
    return 'name' in responder ? Buffer.from(subject).equals(responder.name) : sha1(publicKey).equals(responder.keyHash)
  }
  if (isNamed(issuer)) return issuer.publicKey
  return others.find((one) => one !== undefined && isNamed(one) && isResponder(one, asked))?.publicKey
}

function issuedBy(issuer: X509Certificate, raw: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(raw)
    // OpenSSL reads more than DER, and what it read is not all that would go out.
    const isWhole = certificate.raw.equals(raw)
    return isWhole && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey) ? certificate : undefined
  } catch {
    return undefined
  }
}

function isResponder(certificate: X509Certificate, { nowMs }: Asked): boolean {
  // Node calls it keyUsage: the OIDs of the extended one.
  const usages = certificate.keyUsage as readonly string[] | undefined
  const seen = seenCertificate(certificate)
  return usages?.includes(ocspSigningOid) === true
    && certificate.validFromDate.getTime() <= nowMs && certificate.validToDate.getTime() > nowMs
    && weakKey(seen, 'authority') === undefined && !isWeakSignature(seen.signatureAlgorithm)
}

function isSigned({ signed, signature }: OcspAnswer, key: KeyObject, hash: string | null): boolean {
  try {
    return verify(hash, signed, key, signature)
  } catch {
    return false
  }
}

function judgeTime({ status, thisUpdateMs, nextUpdateMs }: SingleStatus, { producedAtMs }: OcspAnswer, { nowMs }: Asked): OcspProof {
  if (thisUpdateMs > nowMs + skewMs || producedAtMs > nowMs + skewMs) return refused('not_yet')
  // RFC 5019 §2.2.4: it must be there. Without it an answer from before a revocation would count for ever.
  if (nextUpdateMs === undefined || nextUpdateMs <= thisUpdateMs) return refused('endless')
  if (nextUpdateMs <= nowMs) return refused('over')
  if (status.kind === 'unknown') return refused('unknown')
  if (status.kind === 'good') return { kind: 'good', thisUpdateMs, nextUpdateMs }
  return { kind: 'revoked', thisUpdateMs, nextUpdateMs, revokedAtMs: status.atMs }
}
