import type { CustodianResponse } from '@ngome/contracts'
import type { SignerId } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { endSigner } from './signers.ts'

/**
 * Revokes a certificate with its line: the one that it was renewed from and all that were renewed from it, since a
 * thief may hold any of them. From the next call on they are nobody's, also on open connections, and data keys that the
 * line's signer makes from now on do not open. Doing so twice is fine.
 * @throws Refusal `custodian/refused` where there is no such certificate
 */
export async function revokeCertificate(
  { store: { db, commits }, clock, dataKeys, rowTagKey }: Custodian, caller: ProvenCaller,
  { serial }: ParsedRequest<'/v1/revoke-certificate'>,
): Promise<CustodianResponse<'/v1/revoke-certificate'>> {
  await commits.run(() => {
    const nowMs = clock.nowMs()
    const line = db.prepare('SELECT line, signer FROM certificates WHERE serial = ?').get(serial)
    if (line === undefined) throw new Refusal('certificate_unknown', serial)
    db.prepare('UPDATE certificates SET revoked_at_ms = coalesce(revoked_at_ms, ?) WHERE line = ?')
      .run(nowMs, String(line['line']))
    if (line['signer'] !== null) endSigner(db, rowTagKey, line['signer'] as SignerId, nowMs)
    appendLog(db, clock, {
      caller: callerName(caller), operation: '/v1/revoke-certificate', outcome: 'allowed', reason: '', subject: serial,
    })
  })
  dataKeys.clear()
  return {}
}
