import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PayoutBatchId } from '@ngome/kernel'
import { insertPayoutBatch, type BatchStore, type Database, type NewBatchedPayout, type NewPayoutBatch, type PartAcceptance } from '@ngome/store'
import { testAcceptance, type TestMerchant } from './payments.ts'

const from = { clock: systemClock, random: systemRandom }

type Declared = { readonly count: number; readonly totalMinor: bigint }
type TestBatch = { readonly id?: PayoutBatchId } & Partial<Pick<NewPayoutBatch, 'opening' | 'askedBy' | 'reference'>>

/** A batch that this many payouts, of so much together, are declared for. */
export async function testPayoutBatch(gateway: Database, merchant: TestMerchant, declared: Declared, batch: TestBatch = {}): Promise<PayoutBatchId> {
  const [opened, ...rest] = testBatchOpening(merchant, declared, batch)
  await insertPayoutBatch(gateway, opened, ...rest)
  return opened.id
}

/** What opens a batch, as {@link testPayoutBatch} does it. */
export function testBatchOpening(
  { tenant, dataKey }: TestMerchant, declared: Declared,
  { id = newId('payoutBatch', from), opening = { dataKey, blob: systemRandom.bytes(640) }, askedBy, reference = testBatchReference(id) }: TestBatch = {},
): Parameters<BatchStore['insertPayoutBatch']> {
  const nowMs = systemClock.nowMs()
  return [{
    id, tenant, reference, currency: 'EUR', declaredCount: declared.count, declaredMinor: declared.totalMinor, acceptedCount: 0, acceptedMinor: 0n,
    createdAtMs: nowMs, updatedAtMs: nowMs, isCancelled: false, needsApproval: askedBy !== undefined, apiKey: newId('apiKey', from), opening, askedBy,
  }, emit({ ...from, process: 'gateway' }, 'payout_batch.opened', tenant, { batch: id, count: declared.count, signed_with: newId('merchantSigningKey', from) }), newClaim()]
}

/** What {@link testPayoutBatch} calls a batch: each by another reference. */
export function testBatchReference(id: PayoutBatchId): string {
  return `wages-${id}`
}

type TestPart = Partial<Pick<PartAcceptance['part'], 'orderedBy'>> & {
  readonly name?: string
  readonly feeMinor?: bigint
  readonly amountMinor?: bigint
  readonly status?: 'accepted' | 'awaiting_approval'
}

/** A part of `count` payouts of five euros each. @param name what their references begin with */
export function testPayoutPart(
  merchant: TestMerchant, batch: PayoutBatchId, number: number, count: number, {
    name = `row-${number}`, feeMinor = 0n, amountMinor = 500n, status = 'accepted', orderedBy = { keyLine: newId('apiKey', from), signingKey: newId('merchantSigningKey', from) },
  }: TestPart = {},
): PartAcceptance {
  const { tenant, dataKey } = merchant
  const createdAtMs = systemClock.nowMs()
  const apiKey = newId('apiKey', from)
  return {
    tenant, dayTotal: null, idempotency: newClaim(),
    part: { id: newId('payoutBatchPart', from), batch, number, dataKey, sealed: systemRandom.bytes(640), createdAtMs, digest: systemRandom.bytes(32), orderedBy },
    rows: Array.from({ length: count }, (_, at): NewBatchedPayout => {
      const id = newId('payout', { ...from, clock: { nowMs: () => createdAtMs } })
      const { payment } = testAcceptance(merchant)
      return {
        payment: { ...payment, id, status, direction: 'payout', apiKey, reference: `${name}-${at}`, feeMinor, money: { amountMinor, currency: 'EUR' }, createdAtMs },
        event: emit({ ...from, process: 'gateway' }, 'payout.accepted', tenant, { payment: id, status: 'accepted', signed_with: newId('merchantSigningKey', from) }),
        eventProof: systemRandom.bytes(32),
      }
    }),
  }
}

function newClaim() {
  return { keyHash: systemRandom.bytes(32), fingerprint: systemRandom.bytes(32), answer: { status: 201, body: '{}' } }
}
