import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PayoutBatchId } from '@ngome/kernel'
import { insertPayoutBatch, type Database, type NewBatchedPayout, type PartAcceptance } from '@ngome/store'
import { testAcceptance, type TestMerchant } from './payments.ts'

const from = { clock: systemClock, random: systemRandom }

/** A batch that this many payouts, of so much together, are declared for. */
export async function testPayoutBatch(
  gateway: Database, { tenant }: TestMerchant, declared: { readonly count: number; readonly totalMinor: bigint },
): Promise<PayoutBatchId> {
  const [id, nowMs] = [newId('payoutBatch', from), systemClock.nowMs()]
  await insertPayoutBatch(gateway, {
    id, tenant, reference: 'wages', currency: 'EUR', declaredCount: declared.count, declaredMinor: declared.totalMinor, acceptedCount: 0, acceptedMinor: 0n,
    createdAtMs: nowMs, updatedAtMs: nowMs, isCancelled: false, apiKey: newId('apiKey', from),
  }, emit({ ...from, process: 'gateway' }, 'payout_batch.opened', tenant, { batch: id, count: declared.count, signed_with: newId('merchantSigningKey', from) }), newClaim())
  return id
}

/** A part of `count` payouts of five euros each. @param name what their references begin with */
export function testPayoutPart(
  merchant: TestMerchant, batch: PayoutBatchId, number: number, count: number, { name = `row-${number}`, feeMinor = 0n, amountMinor = 500n } = {},
): PartAcceptance {
  const { tenant, dataKey } = merchant
  const createdAtMs = systemClock.nowMs()
  const apiKey = newId('apiKey', from)
  return {
    tenant, dayTotal: null, idempotency: newClaim(),
    part: { id: newId('payoutBatchPart', from), batch, number, dataKey, sealed: systemRandom.bytes(640), createdAtMs },
    rows: Array.from({ length: count }, (_, at): NewBatchedPayout => {
      const id = newId('payout', { ...from, clock: { nowMs: () => createdAtMs } })
      const { payment } = testAcceptance(merchant)
      return {
        payment: { ...payment, id, direction: 'payout', apiKey, reference: `${name}-${at}`, feeMinor, money: { amountMinor, currency: 'EUR' }, createdAtMs },
        event: emit({ ...from, process: 'gateway' }, 'payout.accepted', tenant, { payment: id, status: 'accepted', signed_with: newId('merchantSigningKey', from) }),
        eventProof: systemRandom.bytes(32),
      }
    }),
  }
}

function newClaim() {
  return { keyHash: systemRandom.bytes(32), fingerprint: systemRandom.bytes(32), answer: { status: 201, body: '{}' } }
}
