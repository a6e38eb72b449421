import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { SeenCertificate } from '@ngome/contracts'
import { x509 } from '../identity/x509.ts'
import { spkiPin } from './spki-pin.ts'

/** Longer chains than this are somebody's mistake; browsers stop at ten or so, too. */
const chainLengthMax = 10
const textMax = 1_024
/** RFC 7633 §3: id-pe-tlsfeature. */
const tlsFeatureOid = '1.3.6.1.5.5.7.1.24'

/** @returns the chain that the handshake was trusted by: the leaf first, the root last, whether it was sent or not */
export function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let at: ReturnType<TLSSocket['getPeerCertificate']> | undefined = socket.getPeerCertificate(true)
  while (at?.raw !== undefined && chain.length < chainLengthMax) {
    const certificate = new X509Certificate(at.raw)
    if (chain.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256)) break
    chain.push(certificate)
    at = 'issuerCertificate' in at ? at.issuerCertificate : undefined
  }
  return chain
}

/** What is kept of a certificate as evidence. */
export function seenCertificate(certificate: X509Certificate): SeenCertificate {
  const { publicKey } = certificate
  return {
    subject: certificate.subject.slice(0, textMax),
    issuer: certificate.issuer.slice(0, textMax),
    serial: certificate.serialNumber,
    spki: spkiPin(publicKey),
    keyType: publicKey.asymmetricKeyDetails?.namedCurve ?? publicKey.asymmetricKeyType ?? 'unknown',
    keyBits: publicKey.asymmetricKeyDetails?.modulusLength ?? null,
    signatureAlgorithm: certificate.signatureAlgorithm ?? 'unknown',
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
  }
}

/** Whether clients that obey RFC 7633 refuse the certificate without a stapled OCSP answer. */
export function mustStaple(certificate: X509Certificate): boolean {
  return new x509.X509Certificate(certificate.raw).getExtension(tlsFeatureOid) !== null
}
