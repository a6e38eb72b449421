import { emit } from '@ngome/contracts'
import { Fault, newId, parseCurrency, parseMoney, type Tenant } from '@ngome/kernel'
import { needsApproval, type ApprovalRules } from '@ngome/payments'
import type { BatchStore, PayoutBatchRow } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { authorizationOf } from '../payments/authorization.ts'
import { invalid } from '../payments/order.ts'
import type { PlaceOrderPorts } from '../payments/place-order.ts'
import { partyOf } from '../payouts/decide-payout.ts'
import { batchView } from './batch-view.ts'
import { sealWord } from './seal-word.ts'

export type BatchPorts = PlaceOrderPorts & { readonly batches: BatchStore; readonly approvals: ApprovalRules }

/**
 * Opens a batch: what its rows have to come to. What the merchant signed is kept, sealed; its reference names this batch for ever. Nothing is
 * reserved by it. Over the limit of one person it is opened as one that waits for a second.
 * @throws Fault `request/invalid`, `payout_batches/already_opened`, `access/signature_required`, `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`,
 * `store/unavailable`
 */
export async function createPayoutBatch(ports: BatchPorts, call: Call<'createPayoutBatch'>): Promise<Answer> {
  const { caller, body } = call
  const { tenant, apiKey } = caller
  const currency = parseCurrency(body.currency)
  if (currency === undefined || !isPaidOut(ports, tenant.world, body.currency)) {
    throw invalid([{ pointer: '/currency', detail: 'No network here pays out in this currency.' }])
  }
  const total = parseMoney(body.total, currency)
  if (total === undefined) throw invalid([{ pointer: '/total', detail: 'This is not an amount above zero in digits that the currency has.' }])
  const authorization = authorizationOf(call)
  const { key } = authorization
  const createdAtMs = ports.clock.nowMs()
  const batch: PayoutBatchRow = {
    id: newId('payoutBatch', ports), tenant, reference: body.reference, currency, declaredCount: body.count, declaredMinor: total.amountMinor,
    acceptedCount: 0, acceptedMinor: 0n, createdAtMs, updatedAtMs: createdAtMs, isCancelled: false,
    needsApproval: needsApproval(ports.approvals, total),
  }
  const askedBy = batch.needsApproval ? partyOf(caller, call.signature) : undefined
  const answer = { status: 201, body: JSON.stringify(batchView(ports, batch, [], askedBy === undefined ? null : { asked: { ...askedBy, atMs: createdAtMs }, answer: null, parts: [] })) }
  const event = emit({ ...ports, process: 'gateway' }, 'payout_batch.opened', tenant, { batch: batch.id, count: body.count, signed_with: key })
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  const opening = await sealWord(ports, tenant, { table: 'payout_batch_openings', recordId: batch.id }, authorization)
  const outcome = await ports.batches.insertPayoutBatch({ ...batch, apiKey, opening, askedBy }, event, { ...marks, answer })
  if (outcome.kind === 'already_opened') throw await alreadyOpened(ports, tenant, batch.reference)
  return answerOutcome(outcome, { ...answer, contentType: jsonType, headers: ['location', `/v1/payout_batches/${batch.id}`] })
}

async function alreadyOpened({ batches }: BatchPorts, tenant: Tenant, reference: string): Promise<Fault> {
  const batch = await batches.findBatchOfReference(tenant, reference)
  return new Fault('payout_batches/already_opened', `${batch} has this reference`, { fields: [{ pointer: '/reference', detail: `${batch} has this reference.` }] })
}

function isPaidOut({ networks }: Pick<BatchPorts, 'networks'>, world: string, currency: string): boolean {
  return Object.values(networks).some((network) => network.world === world && network.currency === currency && network.directions.includes('payout'))
}
