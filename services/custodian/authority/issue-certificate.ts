import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { Fault, type ProcessRole, type SignerId, type StaffId } from '@ngome/kernel'
import { spiffeId, x509 } from '@ngome/runtime'
import type { ExtendedKeyUsage } from '@peculiar/x509'
import type { Custodian } from '../custodian.ts'
import type { Transaction } from '../store/store.ts'
import { authorityLabel } from './authorities.ts'
import { clockSkewMs, signatureAlgorithm } from './authority.ts'
import { newSerial } from './serial.ts'

/**
 * What a certificate is for: `process` speaks for a role on both ends of mutual TLS, `own` is the custodian's server
 * end, `public` is what the Internet sees of the gateway, and proves nothing inside.
 */
export type CertificateKind = 'process' | 'own' | 'public'

export type IssuedCertificate = {
  readonly serial: string
  readonly kind: CertificateKind
  readonly role: ProcessRole
  /** The person that the certificate names beside the role. */
  readonly staff: StaffId | null
  /** Which authority signed it, and the newest that its holder is told of with it. */
  readonly authority: number
  readonly trusts: number
  readonly pem: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** The operator's commands last seconds or are watched; an hour limits what a copied one is worth. */
const operatorLifeMsMax = 3_600_000
/** How every process reaches another on one machine. */
const localNames = ['localhost', '127.0.0.1'] as const
/** Addresses that mean "all of this machine's": nobody connects to them by that name. */
const anyAddresses: readonly string[] = ['0.0.0.0', '::']

/** Signs a certificate. It counts only once {@link recordCertificate} has kept it, so answer after that. */
export async function issueCertificate(
  { authority, clock, random, settings }: Pick<Custodian, 'authority' | 'clock' | 'random' | 'settings'>,
  { kind, role, publicKey, staff = null }: Pick<IssuedCertificate, 'kind' | 'role'> & {
    readonly publicKey: KeyObject
    readonly staff?: StaffId | null
  },
): Promise<IssuedCertificate> {
  const serial = newSerial(random)
  // Taken together: another one may issue by the time that this one has signed.
  const { version, newest, certificate: issuer, signingKey } = authority
  const nowMs = clock.nowMs()
  const lifeMs = Math.min(settings.certificateLifeMs, role === 'operator' ? operatorLifeMsMax : Infinity)
  const [notBeforeMs, notAfterMs] = [nowMs - clockSkewMs, nowMs + lifeMs]
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const internal = [...localNames, ...settings.internalNames[role]].filter((name) => !anyAddresses.includes(name))
  const names = kind === 'public' ? settings.publicNames : internal
  const spiffe = kind === 'public' ? [] : [{ type: 'url', value: spiffeId(role) } as const]
  const subject = staff === null ? role : `${role} ${staff}`
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ CN: [kind === 'public' ? 'Ngome public API' : subject] }],
    issuer: issuer.subjectName.toJSON(),
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: signatureAlgorithm,
    publicKey: spki,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages(kind), true),
      new x509.SubjectAlternativeNameExtension([...spiffe, ...[...new Set(names)].map((name) => generalName(name))]),
      await x509.SubjectKeyIdentifierExtension.create(spki),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return { serial, kind, role, staff, authority: version, trusts: newest, pem: certificate.toString('pem'), notBeforeMs, notAfterMs }
}

/**
 * Keeps the record of a certificate.
 * @param previousSerial the certificate over which it was asked for; it joins that one's line and signer, so that
 * revoking one revokes all that a thief could have made of it
 */
export async function recordCertificate(transaction: Transaction, issued: IssuedCertificate, from: {
  readonly nowMs: number
  readonly previousSerial: string | null
  readonly signer: SignerId | null
}): Promise<void> {
  // One that is on its way out issues no more, whoever asked meanwhile: its certificates would not be waited for.
  const issuer = await transaction.get(
    `SELECT state FROM key_lives WHERE purpose = 'authority' AND name = ?`, authorityLabel(issued.authority).name)
  if (issuer?.['state'] !== 'active') throw new Fault('custodian/unavailable', 'the authority was replaced meanwhile')
  const previous = await transaction.get('SELECT line FROM certificates WHERE serial = ?', from.previousSerial)
  await transaction.run(
    `INSERT INTO certificates
       (serial, kind, role, not_before_ms, not_after_ms, issued_at_ms, previous_serial, line, signer, authority, trusts, certificate)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    issued.serial, issued.kind, issued.role, issued.notBeforeMs, issued.notAfterMs,
    from.nowMs, from.previousSerial, String(previous?.['line'] ?? issued.serial), from.signer, issued.authority, issued.trusts, issued.pem,
  )
  if (issued.staff === null) return
  await transaction.run('INSERT INTO staff_certificates (serial, staff) VALUES (?, ?)', issued.serial, issued.staff)
}

/** Only a process speaks first; the custodian and the public API only answer (RFC 5280 §4.2.1.12). */
function usages(kind: CertificateKind): ExtendedKeyUsage[] {
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
  return kind === 'process' ? [serverAuth, clientAuth] : [serverAuth]
}

function generalName(name: string): { type: 'ip' | 'dns'; value: string } {
  return { type: isIP(name) === 0 ? 'dns' : 'ip', value: name }
}
