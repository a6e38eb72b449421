import type { CustodianResponse } from '@ngome/contracts'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { findDestruction } from './destructions.ts'

/**
 * Calls a destruction back while it waits. It needs no second person: what it does can be undone.
 * @throws Refusal `custodian/refused`
 */
export async function cancelDestruction(
  { clock, store: { commits } }: Custodian, caller: ProvenCaller, { id }: ParsedRequest<'/v1/cancel-destruction'>,
): Promise<CustodianResponse<'/v1/cancel-destruction'>> {
  await commits.run(async (transaction) => {
    const destruction = await findDestruction(transaction, id)
    if (destruction === undefined) throw new Refusal('destruction_unknown', id)
    if (destruction.state !== 'waiting') throw new Refusal('destruction_not_waiting', `${id} ${destruction.state}`)
    await transaction.run(`UPDATE destructions SET state = 'cancelled' WHERE id = ?`, id)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/cancel-destruction', outcome: 'allowed', reason: '', subject: id,
    })
  })
  return {}
}
