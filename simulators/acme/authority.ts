import { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { x509 } from '@ngome/runtime'
import type { Manner } from './manners.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const serverAuth = '1.3.6.1.5.5.7.3.1'
const ocspSigning = '1.3.6.1.5.5.7.3.9'
/** RFC 6960 §4.2.2.2.1: nobody asks about whom it certifies. */
const ocspNoCheck = '1.3.6.1.5.5.7.48.1.5'
const dayMs = 86_400_000

type Signer = { readonly certificate: InstanceType<typeof x509.X509Certificate>; readonly keys: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey } }
/** How long a certificate lives, and where its status may be asked for (OCSP), where it may. */
export type Lives = { readonly lifeMs: number; readonly responder: string | undefined }
export type Flaw = Extract<Manner, { kind: 'issue' }>['flaw']

/** A root, an intermediate authority that issues, and the certificate of this server's own HTTPS, all made at the start. */
export class Authority {
  /** What clients of the issued certificates trust, PEM. */
  readonly root: string
  /** This server's own key and chain; it is trusted by the same root. */
  readonly own: { readonly key: string; readonly cert: string }
  readonly #intermediate: Signer
  readonly #stranger: Signer
  readonly #lives: Lives

  private constructor(root: Signer, intermediate: Signer, stranger: Signer, own: Authority['own'], lives: Lives) {
    this.root = root.certificate.toString('pem')
    this.#intermediate = intermediate
    this.#stranger = stranger
    this.own = own
    this.#lives = lives
  }

  static async create(nowMs: number, lives: Lives): Promise<Authority> {
    const root = await authorityBy(undefined, 'Simulated root', nowMs)
    const intermediate = await authorityBy(root, 'Simulated intermediate', nowMs)
    const stranger = await authorityBy(undefined, 'Nobody\'s root', nowMs)
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const leaf = await issueBy(intermediate, keys.publicKey, ['localhost', '127.0.0.1'], nowMs - 60_000, nowMs + 30 * dayMs)
    const key = String(KeyObject.from(keys.privateKey).export({ format: 'pem', type: 'pkcs8' }))
    return new Authority(root, intermediate, stranger, { key, cert: leaf + intermediate.certificate.toString('pem') }, lives)
  }

  /** Issues a certificate for a request (PKCS #10, DER) with its chain, PEM; or what a bad authority would. */
  async issue(csr: Uint8Array, names: readonly string[], nowMs: number, flaw?: Flaw): Promise<string> {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(csr))
    const other = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const publicKey = flaw === 'other_key' ? other.publicKey : request.publicKey
    const given = flaw === 'other_names' ? ['other.example'] : flaw === 'more_names' ? [...names, 'more.example'] : names
    const [fromMs, toMs] = flaw === 'expired' ? [nowMs - 2 * dayMs, nowMs - dayMs] : [nowMs - 1_000, nowMs + this.#lives.lifeMs]
    const signer = flaw === 'other_root' ? this.#stranger : this.#intermediate
    const leaf = await issueBy(signer, publicKey, given, fromMs, toMs, this.#lives.responder)
    return flaw === 'no_chain' ? leaf : leaf + signer.certificate.toString('pem')
  }

  /** Certifies who answers for this authority what it is asked about its certificates (RFC 6960 §4.2.2.2), PEM. */
  async certifyResponder(csr: string, nowMs: number): Promise<string> {
    const { certificate, keys } = this.#intermediate
    const issued = await x509.X509CertificateGenerator.create({
      subject: 'CN=Simulated responder', issuer: certificate.subject, publicKey: new x509.Pkcs10CertificateRequest(csr).publicKey,
      signingKey: keys.privateKey, signingAlgorithm: algorithm, notBefore: new Date(nowMs - 60_000), notAfter: new Date(nowMs + 30 * dayMs),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true), new x509.ExtendedKeyUsageExtension([ocspSigning]),
        new x509.Extension(ocspNoCheck, false, new Uint8Array([5, 0])),
      ],
    })
    return issued.toString('pem')
  }
}

async function authorityBy(above: Signer | undefined, name: string, nowMs: number): Promise<Signer> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const signer = above ?? { certificate: undefined, keys }
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`, issuer: above?.certificate.subject ?? `CN=${name}`, publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey, signingAlgorithm: algorithm,
    notBefore: new Date(nowMs - dayMs), notAfter: new Date(nowMs + 3_650 * dayMs),
    extensions: [
      new x509.BasicConstraintsExtension(true, above === undefined ? 1 : 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate, keys }
}

async function issueBy(
  { certificate, keys }: Signer, publicKey: CryptoKey | InstanceType<typeof x509.PublicKey>, names: readonly string[], fromMs: number, toMs: number, responder?: string,
): Promise<string> {
  const issued = await x509.X509CertificateGenerator.create({
    subject: `CN=${names[0] ?? ''}`, issuer: certificate.subject, publicKey, signingKey: keys.privateKey, signingAlgorithm: algorithm,
    notBefore: new Date(fromMs), notAfter: new Date(toMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([serverAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? 'dns' as const : 'ip' as const, value }))),
      ...responder === undefined ? [] : [new x509.AuthorityInfoAccessExtension({ ocsp: responder })],
    ],
  })
  return `${issued.toString('pem')}\n`
}
