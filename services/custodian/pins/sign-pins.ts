import { pinSetProblem, type CustodianResponse } from '@ngome/contracts'
import { signPinSet, spkiPin } from '@ngome/runtime'
import { parseCertificateRequest } from '../authority/certificate-request.ts'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'

/**
 * Signs the pins that apps hold the public API's certificate to, recorded before it is answered. A backup is signed only for
 * whoever shows that its key exists: one that nobody has would lock every app out on the day when it is needed.
 * @throws Refusal `custodian/refused` where the set would lock apps out, or a backup's key was not shown
 */
export async function signPins(
  { store, clock, statementKey }: Custodian, caller: ProvenCaller, { set, backupRequests }: ParsedRequest<'/v1/pin-set'>,
): Promise<CustodianResponse<'/v1/pin-set'>> {
  const subject = `pin-set/${set.version}`
  const nowMs = clock.nowMs()
  if (pinSetProblem(set, nowMs) !== undefined) throw new Refusal('request_invalid', `${subject} /set`)
  const keys = await Promise.all(backupRequests.map((request) => parseCertificateRequest(request)))
  const shown = new Set(keys.map((key) => (key === undefined ? undefined : spkiPin(key))))
  const backups = set.pins.filter(({ role }) => role === 'backup')
  if (!backups.every(({ spki_sha256: spki }) => shown.has(spki))) throw new Refusal('request_invalid', `${subject} /backupRequests`)
  const statement = signPinSet({ ...set, issued_at: new Date(nowMs).toISOString() }, statementKey.privateKey)
  await store.commits.run((transaction) => appendLog(transaction, clock, {
    caller: callerName(caller), operation: '/v1/pin-set', outcome: 'allowed', reason: '', subject,
  }))
  return { statement }
}
