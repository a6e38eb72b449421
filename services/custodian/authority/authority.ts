import { Fault, Secret, type Clock, type Random } from '@ngome/kernel'
import { x509 } from '@ngome/runtime'
import type { X509Certificate } from '@peculiar/x509'
import { newSerial } from './serial.ts'

/** The internal certificate authority: its certificate, and its key inside WebCrypto, from where it does not export. */
export type Authority = {
  readonly certificate: X509Certificate
  readonly pem: string
  readonly signingKey: CryptoKey
}

export const signatureAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Ten years: the authority is replaced on purpose, not by surprise. */
const lifeMs = 10 * 365 * 86_400_000
/** Machines whose clocks differ by less agree on what is valid already. */
export const clockSkewMs = 60_000

/** Makes the authority of a first run, and its private key to wrap. */
export async function makeAuthority({ clock, random }: { readonly clock: Clock; readonly random: Random }): Promise<{
  readonly certificate: string
  readonly privateKey: Secret<Uint8Array>
}> {
  const keys = await crypto.subtle.generateKey(signatureAlgorithm, true, ['sign', 'verify'])
  const nowMs = clock.nowMs()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(random),
    name: [{ CN: ['Ngome internal authority'] }],
    notBefore: new Date(nowMs - clockSkewMs),
    notAfter: new Date(nowMs + lifeMs),
    signingAlgorithm: signatureAlgorithm,
    keys,
    extensions: [
      // RFC 5280 §4.2.1.9: a path length of 0 lets no certificate below be an authority of its own.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const privateKey = new Secret(new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey)))
  return { certificate: certificate.toString('pem'), privateKey }
}

/** @throws Fault `custodian/start_refused` where certificate and key do not belong together */
export async function loadAuthority(pem: string, privateKey: Secret<Uint8Array>): Promise<Authority> {
  try {
    const certificate = new x509.X509Certificate(pem)
    const signingKey = await privateKey.expose((bytes) =>
      crypto.subtle.importKey('pkcs8', Uint8Array.from(bytes), signatureAlgorithm, false, ['sign']))
    const publicKey = await certificate.publicKey.export(signatureAlgorithm, ['verify'])
    const probe = new TextEncoder().encode('ngome/authority-probe/v1')
    const signature = await crypto.subtle.sign(signatureAlgorithm, signingKey, probe)
    if (!await crypto.subtle.verify(signatureAlgorithm, publicKey, signature, probe)) throw new TypeError('not a pair')
    return { certificate, pem, signingKey }
  } catch (cause) {
    throw new Fault('custodian/start_refused', 'the authority\'s certificate and key do not belong together', { cause })
  }
}
