import { Fault } from '@ngome/kernel'
import { findPayoutBatchStanding, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { batchView } from './batch-view.ts'

/** @throws Fault `payout_batches/unknown`, the same for one that never was and for another merchant's */
export async function getPayoutBatch(ports: { readonly database: Database }, { caller: { tenant }, params: { id } }: Call<'getPayoutBatch'>): Promise<Answer> {
  const found = await findPayoutBatchStanding(ports.database, tenant, id)
  if (found === undefined) throw new Fault('payout_batches/unknown', `no ${id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(batchView(found.batch, found.standing)) }
}
