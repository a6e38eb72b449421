import { KeyObject, randomBytes, X509Certificate, type webcrypto } from 'node:crypto'
import { x509 } from '@ngome/runtime'

export type OcspIssueOptions = {
  /** Where its status may be asked for. */
  readonly responder?: string
  /** RFC 7633: clients that obey refuse it without a stapled answer. */
  readonly isStapleDemanded?: boolean
  readonly usage?: string
  readonly subject?: string
  readonly hosts?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** An RSA key of so many bits, in the place of one on P-256. */
  readonly rsaBits?: number
}
/** A certificate and its key, as they are and as a server takes them (PEM). */
export type OcspIssued = {
  readonly certificate: X509Certificate; readonly privateKey: KeyObject
  readonly cert: string; readonly key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000
export const serverUsage = '1.3.6.1.5.5.7.3.1'
export const ocspSigningUsage = '1.3.6.1.5.5.7.3.9'

/** An authority that says where the status of its certificates is to be asked for. */
export class OcspAuthority {
  readonly root: OcspIssued
  readonly #keys: webcrypto.CryptoKeyPair

  static async create(name = 'Ngome OCSP test authority'): Promise<OcspAuthority> {
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`, keys, signingAlgorithm: algorithm, notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 365 * dayMs),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    })
    return new OcspAuthority(issued(certificate, keys), keys)
  }

  private constructor(root: OcspIssued, keys: webcrypto.CryptoKeyPair) {
    this.root = root
    this.#keys = keys
  }

  /** Issues a certificate for a new key. */
  async issue(options: OcspIssueOptions = {}): Promise<OcspIssued> {
    const keys = await newKeys(options.rsaBits)
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: randomBytes(16).toString('hex'),
      subject: options.subject ?? 'CN=api', issuer: this.root.certificate.subject, publicKey: keys.publicKey, signingKey: this.#keys.privateKey, signingAlgorithm: algorithm,
      notBefore: options.notBefore ?? new Date(Date.now() - 60_000), notAfter: options.notAfter ?? new Date(Date.now() + 90 * dayMs),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.ExtendedKeyUsageExtension([options.usage ?? serverUsage]),
        new x509.SubjectAlternativeNameExtension((options.hosts ?? ['localhost']).map((value) => ({ type: 'dns', value }) as const)),
        ...options.responder === undefined ? [] : [new x509.AuthorityInfoAccessExtension({ ocsp: options.responder })],
        // RFC 7633 §6: the feature status_request (5).
        ...options.isStapleDemanded === true ? [new x509.Extension('1.3.6.1.5.5.7.1.24', false, new Uint8Array([0x30, 3, 2, 1, 5]))] : [],
        // RFC 6960 §4.2.2.2.1: id-pkix-ocsp-nocheck.
        ...options.usage === ocspSigningUsage ? [new x509.Extension('1.3.6.1.5.5.7.48.1.5', false, new Uint8Array([5, 0]))] : [],
      ],
    })
    return issued(certificate, keys)
  }

  /** A leaf with its issuer behind it, PEM. */
  chainOf(leaf: OcspIssued): string {
    return leaf.cert + this.root.cert
  }
}

function newKeys(rsaBits?: number): Promise<webcrypto.CryptoKeyPair> {
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: rsaBits ?? 0, publicExponent: new Uint8Array([1, 0, 1]) }
  return crypto.subtle.generateKey(rsaBits === undefined ? algorithm : rsa, true, ['sign', 'verify'])
}

function issued(made: InstanceType<typeof x509.X509Certificate>, keys: webcrypto.CryptoKeyPair): OcspIssued {
  const privateKey = KeyObject.from(keys.privateKey)
  const cert = `${made.toString('pem')}\n`
  return { certificate: new X509Certificate(cert), privateKey, cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}
