import { emit } from '@ngome/contracts'
import { Fault, formatMoney, type Clock, type FieldFault, type Random } from '@ngome/kernel'
import type { ApprovalParty, BatchApproval, BatchStore, PayoutBatchRow } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { refuseBody } from '../http/refuse-body.ts'
import { authorizationOf } from '../payments/authorization.ts'
import { partyOf } from '../payouts/decide-payout.ts'
import { digestOf, type ShowBatchPorts } from './batch-view.ts'
import { answerBatch } from './get-payout-batch.ts'

export type DecideBatchPorts = ShowBatchPorts & { readonly clock: Clock; readonly random: Random }

/**
 * Lets a whole batch go on that waits for a second person. What that person saw is in the signed body: what the batch is, and a digest of all of its
 * parts; it is held against the batch here and against each part in the dispatcher, which proves the signature again. Approving again says the same.
 * @throws Fault `payout_batches/unknown`, `payout_batches/own_approval`, `payout_batches/not_awaiting`, `payout_batches/approval_differs`,
 * `store/unavailable`
 */
export async function approvePayoutBatch(ports: DecideBatchPorts, call: Call<'approvePayoutBatch'>): Promise<Answer> {
  const { party, batch, approval } = await decidable(ports, call)
  const fields = differences(batch, digestOf(ports.eventSecret, batch, approval), call.body)
  if (fields.length > 0) throw new Fault('payout_batches/approval_differs', `${batch.id}: ${fields.map(({ pointer }) => pointer).join(' ')}`, { fields })
  const { base, signature, body } = authorizationOf(call)
  return decide(ports, batch, { ...party, decision: 'approved', proof: { base, signature, body } })
}

/**
 * Ends a whole batch that waits for a second person: its rows fail, and what was reserved is available again. Refusing again says the same.
 * @throws Fault `payout_batches/unknown`, `payout_batches/own_approval`, `payout_batches/not_awaiting`, `request/invalid` for a body, `store/unavailable`
 */
export async function refusePayoutBatch(ports: DecideBatchPorts, call: Call<'refusePayoutBatch'>): Promise<Answer> {
  refuseBody(call)
  const { party, batch } = await decidable(ports, call)
  return decide(ports, batch, { ...party, decision: 'refused' })
}

type Decidable = { readonly party: ApprovalParty; readonly batch: PayoutBatchRow; readonly approval: BatchApproval }

/** A batch that is whole, asked for approval and is in time or was answered; and by whom, who ordered nothing of it by either key. */
async function decidable(
  { batches, approvals, clock }: DecideBatchPorts, { caller, params: { id }, signature }: Pick<Call<'refusePayoutBatch'>, 'caller' | 'params' | 'signature'>,
): Promise<Decidable> {
  const { tenant } = caller
  const party = partyOf(caller, signature)
  const batch = await batches.findPayoutBatch(tenant, id)
  if (batch === undefined) throw new Fault('payout_batches/unknown', `no ${id} for this tenant`)
  if (!batch.needsApproval) throw new Fault('payout_batches/not_awaiting', `${id} never waited`)
  const approval = await batches.findBatchApproval(tenant, id)
  for (const orderer of [...approval.asked === null ? [] : [approval.asked], ...approval.parts]) {
    if (orderer.keyLine === party.keyLine || orderer.signingKey === party.signingKey) throw new Fault('payout_batches/own_approval', `${id} by who ordered it`)
  }
  if (batch.acceptedCount < batch.declaredCount) throw new Fault('payout_batches/not_awaiting', `${id} is not whole`)
  // One whose time is over is only not failed yet.
  if (approval.answer === null && batch.createdAtMs + approvals.expiresAfterMs <= clock.nowMs()) throw new Fault('payout_batches/not_awaiting', `${id} waited too long`)
  return { party, batch, approval }
}

async function decide(ports: DecideBatchPorts, { id, tenant }: PayoutBatchRow, answer: Parameters<BatchStore['decidePayoutBatch']>[1]['answer']): Promise<Answer> {
  const outcome = await ports.batches.decidePayoutBatch(tenant, {
    batch: id, answer, atMs: ports.clock.nowMs(),
    event: emit({ ...ports, process: 'gateway' }, `payout_batch.${answer.decision}`, tenant, { batch: id, asked_with: answer.apiKey, signed_with: answer.signingKey }),
  })
  switch (outcome) {
    case 'unknown':
      throw new Fault('payout_batches/unknown', `no ${id} for this tenant`)
    case 'not_awaiting':
      throw new Fault('payout_batches/not_awaiting', `${id} was decided, or cancelled`)
    case 'decided':
      return answerBatch(ports, tenant, id)
    default:
      return outcome satisfies never
  }
}

function differences(batch: PayoutBatchRow, digest: string | null, body: Call<'approvePayoutBatch'>['body']): readonly FieldFault[] {
  const same: readonly (readonly [string, boolean])[] = [
    ['/reference', body.reference === batch.reference], ['/currency', body.currency === batch.currency], ['/count', body.count === batch.declaredCount],
    ['/total', body.total === formatMoney({ amountMinor: batch.declaredMinor, currency: batch.currency })], ['/parts_digest', body.parts_digest === digest],
  ]
  return same.filter(([, isSame]) => !isSame).map(([pointer]) => ({ pointer, detail: 'The batch says something else.' }))
}
