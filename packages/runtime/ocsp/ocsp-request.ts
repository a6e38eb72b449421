import type { X509Certificate } from 'node:crypto'
import { x509 } from '../identity/x509.ts'
import { sha1, sha1Oid } from './cert-id-digests.ts'
import { certificateParts } from './certificate-parts.ts'
import { derTag, oidHex, writeDer } from './der.ts'

/** Longer ones are not addresses of responders. */
const urlCharactersMax = 512
/** RFC 5019 §5: up to this, GET, so that a cache on the way may answer. */
const getCharactersMax = 255

/**
 * @returns where a certificate says that its status may be asked for (RFC 5280 §4.2.2.1): the first address in http or
 * https, as it stands there; `undefined` where there is none
 */
export function ocspResponder(leaf: X509Certificate): string | undefined {
  const access = new x509.X509Certificate(leaf.raw).getExtension(x509.AuthorityInfoAccessExtension)
  return access?.ocsp.find(({ type, value }) => type === 'url' && value.length <= urlCharactersMax && /^https?:\/\/[!-~]+$/i.test(value))?.value
}

/**
 * @returns the request for one certificate's status, DER, as RFC 5019 §2.1 has it: one certificate, no nonce, not signed
 * @throws NotDer
 */
export function ocspRequest(leaf: X509Certificate, issuer: X509Certificate): Uint8Array {
  const { serial, issuer: issuerName } = certificateParts(leaf)
  const { publicKey } = certificateParts(issuer)
  const digest = (bytes: Uint8Array): Uint8Array => writeDer(derTag.octetString, sha1(bytes))
  const algorithm = writeDer(derTag.sequence, writeDer(derTag.oid, Buffer.from(oidHex(sha1Oid), 'hex')), writeDer(derTag.null))
  const certId = writeDer(derTag.sequence, algorithm, digest(issuerName), digest(publicKey), writeDer(derTag.integer, serial))
  // OCSPRequest, TBSRequest, requestList, Request (RFC 6960 §4.1.1).
  return [1, 2, 3, 4].reduce((inner) => writeDer(derTag.sequence, inner), certId)
}

/** @returns the address of a GET of this request (RFC 6960 appendix A.1); `undefined` where it would be too long for one */
export function ocspGetUrl(responder: string, request: Uint8Array): string | undefined {
  const path = encodeURIComponent(Buffer.from(request).toString('base64'))
  return path.length <= getCharactersMax && !responder.includes('?') ? `${responder.replace(/\/$/, '')}/${path}` : undefined
}
