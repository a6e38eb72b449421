import type { CustodianResponse } from '@ngome/contracts'
import type { SignerId } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { clockSkewMs } from './authority.ts'
import { boundSigner } from './signers.ts'

/**
 * Ends the signer of the gateway that calls, which says so as the last thing of its drain: whoever finds its signing key
 * later can date nothing past this moment. What it made before stays readable. No renewal brings it back.
 */
export async function endSigner(
  { store: { commits }, clock, rowTagKey }: Custodian, caller: ProvenCaller,
): Promise<CustodianResponse<'/v1/end-signer'>> {
  await commits.run(async (transaction) => {
    const row = await transaction.get('SELECT signer FROM certificates WHERE serial = ?', caller.serial)
    const signer = (row?.['signer'] ?? null) as SignerId | null
    // Its clock may be ahead of ours by so much; what it honestly dated must stay readable.
    if (signer !== null) await boundSigner(transaction, rowTagKey, signer, clock.nowMs() + clockSkewMs)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/end-signer', outcome: 'allowed', reason: '', subject: signer ?? '',
    })
  })
  return {}
}
