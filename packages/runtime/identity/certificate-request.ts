import { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { Secret, type ProcessRole } from '@ngome/kernel'
import { x509 } from './x509.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export type CertificateRequest = {
  /** PKCS #10, PEM. The names in a certificate of the platform's own authority are its choice, so that request asks for none. */
  readonly csr: string
  /** PKCS #8, PEM; it never leaves this process's memory. */
  readonly privateKey: Secret<string>
  readonly publicKey: KeyObject
}

/** Makes a new key pair on P-256 and the request that proves its possession (RFC 2986). */
export async function newCertificateRequest(role: ProcessRole): Promise<CertificateRequest> {
  return makeRequest(`CN=${role}`, [])
}

/** The same for a public authority, that is asked for names: DNS names and addresses, in the extension for them alone. */
export async function newPublicCertificateRequest(names: readonly string[]): Promise<CertificateRequest> {
  const items = names.map((value) => ({ type: isIP(value) === 0 ? 'dns' as const : 'ip' as const, value }))
  return makeRequest('', [new x509.SubjectAlternativeNameExtension(items)])
}

async function makeRequest(name: string, extensions: InstanceType<typeof x509.Extension>[]): Promise<CertificateRequest> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: algorithm, extensions })
  const privateKey = KeyObject.from(keys.privateKey).export({ format: 'pem', type: 'pkcs8' })
  return {
    csr: request.toString('pem'),
    privateKey: new Secret(String(privateKey)),
    publicKey: KeyObject.from(keys.publicKey),
  }
}
