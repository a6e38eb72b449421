import { Fault, type PayoutBatchId, type Tenant } from '@ngome/kernel'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { showBatch, type ShowBatchPorts } from './batch-view.ts'

/** @throws Fault `payout_batches/unknown`, the same for one that never was and for another merchant's */
export function getPayoutBatch(ports: ShowBatchPorts, { caller: { tenant }, params: { id } }: Call<'getPayoutBatch'>): Promise<Answer> {
  return answerBatch(ports, tenant, id)
}

/** A batch as it stands now. @throws Fault `payout_batches/unknown` */
export async function answerBatch(ports: ShowBatchPorts, tenant: Tenant, id: PayoutBatchId): Promise<Answer> {
  const found = await ports.batches.findPayoutBatchStanding(tenant, id)
  if (found === undefined) throw new Fault('payout_batches/unknown', `no ${id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(await showBatch(ports, found.batch, found.standing)) }
}
