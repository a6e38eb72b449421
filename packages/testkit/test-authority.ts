import { generateKeyPairSync } from 'node:crypto'
import type { ProcessRole } from '@ngome/kernel'
import { newCertificateRequest, spiffeId, x509 } from '@ngome/runtime'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'

const thisMachine = [{ type: 'dns', value: 'localhost' }, { type: 'ip', value: '127.0.0.1' }] as const

export type IssueOptions = {
  /** The URIs in the certificate, instead of the role's one. */
  readonly uris?: readonly string[]
  /** The host names in the certificate, instead of this machine's own. */
  readonly hosts?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** A certificate authority in memory, as the custodian is one; it issues whatever a test wants to be refused. */
export class TestAuthority {
  /** The authority's certificate, PEM. */
  readonly pem: string
  /** What the custodian signs statements and refusals with (Ed25519). */
  readonly statementKeys = generateKeyPairSync('ed25519')
  readonly #certificate: X509Instance
  readonly #privateKey: CryptoKey

  static async create(name = 'Ngome test authority', lifeMs = 86_400_000): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + lifeMs),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    })
    return new TestAuthority(certificate, keys.privateKey)
  }

  private constructor(certificate: X509Instance, privateKey: CryptoKey) {
    this.#certificate = certificate
    this.#privateKey = privateKey
    this.pem = certificate.toString('pem')
  }

  /** Makes a key and a certificate for it, as a server takes them (PEM). */
  async issueWithKey(role: ProcessRole, options: IssueOptions = {}): Promise<{ readonly key: string; readonly cert: string }> {
    const { csr, privateKey } = await newCertificateRequest(role)
    return { key: privateKey.expose((pem) => pem), cert: await this.issue(csr, role, options) }
  }

  /** Issues a certificate for the key of a request (PKCS #10, PEM); PEM. */
  async issue(csr: string, role: ProcessRole, options: IssueOptions = {}): Promise<string> {
    const request = new x509.Pkcs10CertificateRequest(csr)
    const uris = options.uris ?? [spiffeId(role)]
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${role}`,
      issuer: this.#certificate.subject,
      publicKey: request.publicKey,
      signingKey: this.#privateKey,
      signingAlgorithm: algorithm,
      notBefore: options.notBefore ?? new Date(Date.now() - 1000),
      notAfter: options.notAfter ?? new Date(Date.now() + 3_600_000),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
        new x509.SubjectAlternativeNameExtension([
          ...uris.map((value) => ({ type: 'url' as const, value })),
          ...(options.hosts?.map((value) => ({ type: 'dns' as const, value })) ?? thisMachine),
        ]),
      ],
    })
    return certificate.toString('pem')
  }
}

type X509Instance = InstanceType<typeof x509.X509Certificate>
