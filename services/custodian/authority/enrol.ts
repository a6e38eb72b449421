import type { CustodianResponse } from '@ngome/contracts'
import { newId, type SignerId } from '@ngome/kernel'
import { parsePublicKeyText, publicKeyText } from '@ngome/runtime'
import { anonymous, callerName } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal, type RefusalReason } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import type { Transaction } from '../store/store.ts'
import { parseCertificateRequest } from './certificate-request.ts'
import { verifyEnrolmentToken, type EnrolmentToken, type VerifiedToken } from './enrolment-token.ts'
import { issueCertificate, recordCertificate, type IssuedCertificate } from './issue-certificate.ts'
import { insertSigner } from './signers.ts'
import { signerUntilMs } from './signer-life.ts'
import { isStaffToken, verifyStaffToken } from './staff-token.ts'

/** Far past any token's own life, so that a clock set back does not bring a used one to life. */
const nonceKeptMs = 7 * 86_400_000

/**
 * Gives a process its first certificate against a one-time token. The token alone says the role; a gateway also brings
 * the public key with which this one process will sign data keys.
 * @throws Refusal `custodian/enrolment_refused`
 */
export async function enrol(
  custodian: Custodian, request: ParsedRequest<'/v1/enrol'>,
): Promise<CustodianResponse<'/v1/enrol'>> {
  const { clock, random } = custodian
  const verified = await verifyToken(custodian, request.token)
  if (!verified.ok) throw refusal(verified.reason, 'enrolment')
  const { token } = verified
  const signerKey = provenSignerKey(token, request.signer)
  const publicKey = await parseCertificateRequest(request.csr)
  if (publicKey === undefined) throw refusal('csr_refused', token.role)
  const issued = await issueCertificate(custodian, { kind: 'process', role: token.role, publicKey, staff: token.staff })
  const signerId = signerKey === null ? null : newId('signer', { clock, random })
  // Nobody sees the certificate before this commit, which is where a second use of the token fails.
  const failure = await custodian.store.commits.run((transaction) =>
    keep(custodian, transaction, { token, issued, signerId, signerKey }))
  if (failure !== null) throw refusal(failure, token.role)
  return {
    certificate: issued.pem,
    authority: custodian.authority.pem,
    statementKey: publicKeyText(custodian.statementKey.publicKey),
    signerId,
  }
}

/** A token is the launcher's, or says that it is a person's. */
async function verifyToken(custodian: Custodian, text: string): Promise<VerifiedToken> {
  const { clock, enrolmentKey: key } = custodian
  return isStaffToken(text) ? verifyStaffToken(custodian, text) : verifyEnrolmentToken(text, { key, nowMs: clock.nowMs() })
}

/** @returns the signer's public key for a gateway, `null` for every other role */
function provenSignerKey({ role }: EnrolmentToken, signer: string | null): string | null {
  if (role !== 'gateway') {
    if (signer !== null) throw refusal('signer_not_permitted', role)
    return null
  }
  if (signer === null) throw refusal('signer_missing', role)
  if (parsePublicKeyText(signer) === undefined) throw refusal('signer_refused', role)
  return signer
}

async function keep({ clock, rowTagKey, settings }: Custodian, transaction: Transaction, { token, issued, signerId, signerKey }: {
  readonly token: EnrolmentToken
  readonly issued: IssuedCertificate
  readonly signerId: SignerId | null
  readonly signerKey: string | null
}): Promise<RefusalReason | null> {
  const nowMs = clock.nowMs()
  await transaction.run('DELETE FROM enrolment_nonces WHERE used_at_ms < ?', nowMs - nonceKeptMs)
  const sql = 'INSERT INTO enrolment_nonces (nonce, used_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING'
  const changes = await transaction.run(sql, token.nonce, nowMs)
  if (changes === 0) return 'token_used'
  if (signerId !== null && signerKey !== null) {
    const untilMs = signerUntilMs(issued.notAfterMs, settings.merchantKeyPeriodMs)
    const signer = { id: signerId, publicKey: signerKey, createdAtMs: nowMs, untilMs }
    // A key that was registered before is a copy of another process's; the token is spent all the same.
    if (!await insertSigner(transaction, rowTagKey, signer)) return 'signer_refused'
  }
  await recordCertificate(transaction, issued, { nowMs, previousSerial: null, signer: signerId })
  await appendLog(transaction, clock, {
    caller: callerName(anonymous), operation: '/v1/enrol', outcome: 'allowed', reason: '',
    subject: [`${issued.role}/${issued.serial}`, signerId, issued.staff].filter((part) => part !== null).join(' '),
  })
  return null
}

function refusal(reason: RefusalReason, subject: string): Refusal {
  return new Refusal(reason, subject, { isEnrolment: true })
}
