import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PayoutBatchId } from '@ngome/kernel'
import { insertPayoutBatch, type Database, type NewBatchedPayout, type NewPayoutBatch, type PartAcceptance } from '@ngome/store'
import { testAcceptance, type TestMerchant } from './payments.ts'

const from = { clock: systemClock, random: systemRandom }

/** A batch that this many payouts, of so much together, are declared for. */
export async function testPayoutBatch(
  gateway: Database, { tenant, dataKey }: TestMerchant, declared: { readonly count: number; readonly totalMinor: bigint },
  { id = newId('payoutBatch', from), opening = { dataKey, blob: systemRandom.bytes(640) }, askedBy }: { readonly id?: PayoutBatchId } & Partial<Pick<NewPayoutBatch, 'opening' | 'askedBy'>> = {},
): Promise<PayoutBatchId> {
  const nowMs = systemClock.nowMs()
  await insertPayoutBatch(gateway, {
    id, tenant, reference: testBatchReference(id), currency: 'EUR', declaredCount: declared.count, declaredMinor: declared.totalMinor, acceptedCount: 0, acceptedMinor: 0n,
    createdAtMs: nowMs, updatedAtMs: nowMs, isCancelled: false, needsApproval: askedBy !== undefined, apiKey: newId('apiKey', from), opening, askedBy,
  }, emit({ ...from, process: 'gateway' }, 'payout_batch.opened', tenant, { batch: id, count: declared.count, signed_with: newId('merchantSigningKey', from) }), newClaim())
  return id
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
