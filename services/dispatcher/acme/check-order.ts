import { createPublicKey } from 'node:crypto'
import { sameNames, weakKey, x509 } from '@ngome/runtime'
import type { AcmeOrderRow } from '@ngome/store'
import { AcmeFailure, own } from './acme-failure.ts'

export type CheckedRequest = {
  /** PKCS #10, DER. */
  readonly der: Uint8Array
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
}

/** id-ecPublicKey and the like are checked by what Node reads of the key. */
const subjectAlternativeName = '2.5.29.17'

/**
 * Checks what a gateway ordered before anybody hears of it: a stolen one gets no certificate for a name that the operator
 * did not configure, nor for a key that is weak, or that nobody showed to have.
 * @throws AcmeFailure
 */
export async function checkOrder({ csr, names }: Pick<AcmeOrderRow, 'csr' | 'names'>, configured: readonly string[]): Promise<CheckedRequest> {
  if (!sameNames(names, configured)) throw refused(`names other than those of gateway.tls.acme: ${names.join(' ')}`)
  const request = parse(csr)
  if (request === undefined || !await request.verify()) throw refused('a certificate request that is none')
  const alternative = request.getExtension(subjectAlternativeName)
  const asked = alternative instanceof x509.SubjectAlternativeNameExtension ? alternative.names.items : []
  const isPlain = asked.every(({ type }) => type === 'dns' || type === 'ip')
  if (!isPlain || !sameNames(asked.map(({ value }) => value), names)) throw refused('a certificate request for other names')
  const spki = new Uint8Array(request.publicKey.rawData)
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  const weakness = weakKey({
    keyType: key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'unknown', keyBits: key.asymmetricKeyDetails?.modulusLength ?? null,
  }, 'own')
  if (weakness !== undefined) throw refused(weakness)
  return { der: new Uint8Array(request.rawData), spki }
}

function parse(csr: string): InstanceType<typeof x509.Pkcs10CertificateRequest> | undefined {
  try {
    return new x509.Pkcs10CertificateRequest(csr)
  } catch {
    return undefined
  }
}

function refused(why: string): AcmeFailure {
  return new AcmeFailure(own('order_refused'), why)
}
