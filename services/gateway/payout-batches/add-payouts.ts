import { setImmediate as nextTurn } from 'node:timers/promises'
import { approvablePartsMax, batchOpenMs, emit, type AddPayouts, type PayoutBatchPartView } from '@ngome/contracts'
import { Fault, formatMoney, newId, type Currency, type PayoutBatchId, type PayoutBatchPartId, type Tenant } from '@ngome/kernel'
import { batchDigestKey, firstEvent, maskPhone, partDigest, proveEvent } from '@ngome/payments'
import type { ApprovalParty, IdempotentOutcome, NewBatchedPayout, PartOutcome, PayoutBatchRow } from '@ngome/store'
import { authorizePayment, dayTotalReached } from '../access/authorize-payment.ts'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { seal } from '../keys/seal.ts'
import { assertOpen } from '../networks/route-order.ts'
import { authorizationOf } from '../payments/authorization.ts'
import { newRow, toSeal } from '../payments/place-order.ts'
import { partyOf } from '../payouts/decide-payout.ts'
import { checkRows, type CheckedRow } from './check-rows.ts'
import type { BatchPorts } from './create-payout-batch.ts'
import { refuseOverLimit } from './refuse-over-limit.ts'
import { sealWord } from './seal-word.ts'

/** Rows that are sealed in one turn of the event loop: some ten milliseconds, so that a part holds up no other request. */
const rowsPerTurn = 32

/**
 * Accepts a part of a batch: all of its rows, or none. The merchant's signature is kept once, sealed, and every row says where in what was
 * signed it stands.
 * @throws Fault `payout_batches/unknown`, `payout_batches/closed`, `payout_batches/part_taken`, `payout_batches/reference_taken`,
 * `payout_batches/exceeds_declared`, `payout_batches/needs_approval`, `request/invalid`, `networks/in_maintenance`, `access/cap_exceeded`, `access/signature_required`,
 * `payments/insufficient_funds`, `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`, `store/unavailable`
 */
export async function addPayouts(ports: BatchPorts, call: Call<'addPayouts'>): Promise<Answer> {
  const { caller, body, params: { id: batchId } } = call
  const { tenant } = caller
  const batch = await ports.batches.findPayoutBatch(tenant, batchId)
  if (batch === undefined) throw new Fault('payout_batches/unknown', `no ${batchId} for this tenant`)
  assertOf(batch, body)
  assertInTime(ports, batch)
  // The limit may be another than when it was opened.
  refuseOverLimit(ports.approvals, batch)
  const rows = checkRows(ports, caller, body)
  for (const network of new Set(rows.map(({ order }) => order.network))) await assertOpen(ports, tenant.world, network)
  const authorization = authorizationOf(call)
  const orderedBy = partyOf(caller, call.signature)
  const digest = partDigest(batchDigestKey(ports.eventSecret, tenant, batchId), body.part, call.bytes)
  const id = newId('payoutBatchPart', ports)
  const sealing = await sealWord(ports, tenant, { table: 'payout_batch_parts', recordId: id }, authorization)
  // One time for all rows, which their proofs and the part say alike.
  const createdAtMs = ports.clock.nowMs()
  const payouts = await newPayouts({ ...ports, clock: { ...ports.clock, nowMs: () => createdAtMs } }, call, rows, { part: id, askedBy: batch.needsApproval ? orderedBy : undefined, orderedBy })
  const [first] = rows
  if (first === undefined) throw new TypeError('a part without rows passed its schema')
  const answer = { status: 201, body: JSON.stringify(partView({ id, tenant, batch: batchId, part: body.part, currency: batch.currency, createdAtMs }, rows)) }
  const dayTotal = authorizePayment(caller, first.order)
  const outcome = await ports.batches.acceptPayoutPart({
    tenant, rows: payouts, dayTotal,
    part: { id, batch: batchId, number: body.part, dataKey: sealing.dataKey, sealed: sealing.blob, digest, orderedBy, createdAtMs },
    idempotency: { ...idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey }), answer },
  })
  if (outcome.kind === 'day_total_reached') {
    throw dayTotalReached(caller.apiKey, { currency: batch.currency, amountMinor: dayTotal?.atMostMinor ?? 0n })
  }
  return answerOutcome(await taken(ports, call, outcome), { ...answer, contentType: jsonType })
}

/** What a part says of its batch, and its rows are proven by. @throws Fault `request/invalid` */
function assertOf(batch: PayoutBatchRow, body: AddPayouts): void {
  const fields = [
    ...body.currency === batch.currency ? [] : [{ pointer: '/currency', detail: 'The batch was opened for another currency.' }],
    ...batch.needsApproval && body.part > approvablePartsMax ? [{ pointer: '/part', detail: `A batch that another person approves has ${approvablePartsMax} parts at most.` }] : [],
    ...body.batch_reference === batch.reference ? [] : [{ pointer: '/batch_reference', detail: 'The batch was opened with another reference.' }],
  ]
  if (fields.length > 0) throw new Fault('request/invalid', 'of another batch', { fields })
}

/** What nobody can approve any more takes no rows. @throws Fault `payout_batches/closed` */
function assertInTime({ clock, approvals }: BatchPorts, { id, createdAtMs, needsApproval }: PayoutBatchRow): void {
  const openMs = needsApproval ? Math.min(batchOpenMs, approvals.expiresAfterMs) : batchOpenMs
  if (clock.nowMs() - createdAtMs >= openMs) throw new Fault('payout_batches/closed', `${id} was opened long ago`)
}

/** `askedBy`: of rows that wait for a second person. */
type OrderedPart = { readonly part: PayoutBatchPartId; readonly askedBy: ApprovalParty | undefined; readonly orderedBy: ApprovalParty }

async function newPayouts(
  ports: BatchPorts, { caller: { tenant, apiKey } }: Call<'addPayouts'>, rows: readonly CheckedRow[], { part, askedBy, orderedBy }: OrderedPart,
): Promise<readonly NewBatchedPayout[]> {
  const payouts: NewBatchedPayout[] = []
  for (const { order, row, ordered: { payee: { phone }, reference, description = null } } of rows) {
    if (payouts.length % rowsPerTurn === rowsPerTurn - 1) await nextTurn()
    const placed = { ...order, phone, phoneMasked: maskPhone(phone, order.callingCode), reference, description, orderedIn: { part, row }, ...askedBy === undefined ? {} : { askedBy } }
    const made = newRow(ports, tenant, placed)
    const record = await seal(ports, 'payment', { tenant, table: 'payments', recordId: made.id, dataClass: 'restricted', version: 1 }, toSeal(tenant, placed))
    payouts.push({
      payment: { ...made, money: order.money, apiKey, dataKey: record.dataKey, sealed: record.blob },
      event: emit({ ...ports, process: 'gateway' }, askedBy === undefined ? 'payout.accepted' : 'payout.awaiting_approval', tenant, { payment: made.id, status: made.status, signed_with: orderedBy.signingKey }),
      eventProof: proveEvent(ports.eventSecret, firstEvent(made)),
    })
  }
  return payouts
}

type Part = { readonly id: PayoutBatchPartId; readonly tenant: Tenant; readonly batch: PayoutBatchId; readonly part: number; readonly currency: Currency; readonly createdAtMs: number }

function partView({ id, tenant, batch, part, currency, createdAtMs }: Part, rows: readonly CheckedRow[]): PayoutBatchPartView {
  const sum = (of: (row: CheckedRow) => bigint): string => formatMoney({ amountMinor: rows.reduce((minor, row) => minor + of(row), 0n), currency })
  return {
    id, object: 'payout_batch_part', world: tenant.world, batch, part, count: rows.length,
    total: sum(({ order }) => order.money.amountMinor), fee: sum(({ order }) => order.feeMinor), currency, created_at: new Date(createdAtMs).toISOString(),
  }
}

/** @throws Fault by what the database refused, of which nothing was written */
async function taken(
  ports: BatchPorts, { caller: { tenant }, params, body }: Call<'addPayouts'>, outcome: Exclude<PartOutcome, { kind: 'day_total_reached' }>,
): Promise<IdempotentOutcome> {
  switch (outcome.kind) {
    case 'not_covered': {
      const field = { pointer: '/payouts', detail: 'These and their fees are more than you can take now.' }
      throw new Fault('payments/insufficient_funds', `part ${body.part} of ${params.id} is not covered`, { fields: [field] })
    }
    case 'closed': throw new Fault('payout_batches/closed', `${params.id} takes no part`)
    case 'part_taken':
      throw new Fault('payout_batches/part_taken', `part ${body.part} of ${params.id} came`, { fields: [{ pointer: '/part', detail: 'This number was taken.' }] })
    case 'exceeds_declared':
      throw new Fault('payout_batches/exceeds_declared', `part ${body.part} does not fit into ${params.id}`, { fields: [{ pointer: '/payouts', detail: 'The last row has to meet both, and no row before may pass either.' }] })
    case 'reference_taken': {
      const came = await ports.batches.findTakenReferences(tenant, params.id, body.payouts.map(({ reference }) => reference))
      const fields = body.payouts.flatMap(({ reference }, row) => came.has(reference)
        ? [{ pointer: `/payouts/${row}/reference`, detail: 'This reference is in the batch already.', code: 'payout_batches/reference_taken' as const }] : [])
      throw new Fault('payout_batches/reference_taken', `${fields.length} references came before`, { fields: fields.slice(0, 100) })
    }
    default: return outcome
  }
}
