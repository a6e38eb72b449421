import type { CustodianResponse } from '@ngome/contracts'
import type { SignerId } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { revokeSigner } from './signers.ts'

/**
 * Revokes a certificate with its line: the one that it was renewed from and all that were renewed from it, since a
 * thief may hold any of them. From the next call on they are nobody's, also on open connections.
 *
 * Whoever stole the line's signing key can date data keys back. So of the signer's data keys only those open from now on
 * that were opened before the revocation, and those that are dated before `since`, which the operator gives once he
 * knows when the theft can have been at the earliest: nothing else tells a forgery from what the gateway sealed
 * honestly. Revoking again is fine, and gives another `since`.
 * @throws Refusal `custodian/refused` where there is no such certificate
 */
export async function revokeCertificate(
  { store: { commits }, clock, dataKeys, rowTagKey }: Custodian, caller: ProvenCaller,
  { serial, since }: ParsedRequest<'/v1/revoke-certificate'>,
): Promise<CustodianResponse<'/v1/revoke-certificate'>> {
  await commits.run(async (transaction) => {
    const nowMs = clock.nowMs()
    const line = await transaction.get('SELECT line, signer FROM certificates WHERE serial = ?', serial)
    if (line === undefined) throw new Refusal('certificate_unknown', serial)
    const sql = 'UPDATE certificates SET revoked_at_ms = coalesce(revoked_at_ms, ?) WHERE line = ?'
    await transaction.run(sql, nowMs, String(line['line']))
    const trustedBeforeMs = since === undefined ? 0 : Date.parse(since)
    const signer = line['signer'] as SignerId | null
    if (signer !== null) await revokeSigner(transaction, rowTagKey, signer, { nowMs, trustedBeforeMs })
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/revoke-certificate', outcome: 'allowed', reason: '',
      subject: since === undefined ? serial : `${serial} since=${since}`,
    })
  })
  dataKeys.clear()
  return {}
}
