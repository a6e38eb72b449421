import assert from 'node:assert/strict'
import { newId, systemClock, systemRandom, type PaymentId, type PayoutBatchId, type PayoutBatchPartId } from '@ngome/kernel'
import { firstEvent, proveEvent } from '@ngome/payments'
import { acceptPayoutPart, type ApprovalParty } from '@ngome/store'
import { testBatchReference, testPayoutBatch, testPayoutPart } from '@ngome/testkit'
import { authorize, type OutgoingWorld, type SigningKey } from './outgoing-world.ts'

const phone = '+46733123498'

/** A batch that waits for a second person has who asked for it; it is cut into parts of so many rows. */
export type BatchToAccept = { readonly count: number; readonly rowsOfPart?: number; readonly askedBy?: ApprovalParty | undefined }
export type AcceptedBatch = {
  readonly batch: PayoutBatchId
  readonly parts: readonly { readonly part: PayoutBatchPartId; readonly payments: readonly PaymentId[] }[]
  readonly declared: { readonly reference: string; readonly currency: string; readonly count: number; readonly total: string }
}

/** A batch of payouts of five euros each as a gateway accepts it: each part signed and sealed, each row sealed as its payout. */
export async function acceptBatch(world: OutgoingWorld, key: SigningKey, { count, rowsOfPart = count, askedBy }: BatchToAccept): Promise<AcceptedBatch> {
  const gateway = world.database.open('ngome_gateway', { poolMax: 1 })
  const { merchant, merchant: { tenant } } = world
  const batch = newId('payoutBatch', { clock: systemClock, random: systemRandom })
  const anyKey = merchant.sealRecord('x', 'x', new Uint8Array(1)).dataKey
  const declared = { reference: testBatchReference(batch), currency: 'EUR', count, total: `${count * 5}.00` }
  const { body: opening, ...openedBy } = authorize({ key, target: '/v1/payout_batches', body: declared })
  const { dataKey, sealed: blob } = merchant.sealRecord('payout_batch_openings', batch, Buffer.from(`${JSON.stringify(openedBy)}\n${opening}`))
  await testPayoutBatch(gateway, { tenant, dataKey: anyKey }, { count, totalMinor: BigInt(count) * 500n }, { id: batch, opening: { dataKey, blob }, askedBy })
  const parts = []
  for (let number = 1; (number - 1) * rowsOfPart < count; number++) {
    const made = testPayoutPart({ tenant, dataKey: anyKey }, batch, number, rowsOfPart, askedBy === undefined ? {} : { status: 'awaiting_approval', orderedBy: askedBy })
    const { part: { id } } = made
    const payouts = made.rows.map(({ payment: { reference } }) => ({ reference, amount: '5.00', payee: { phone } }))
    const { body, ...word } = authorize({
      key, target: `/v1/payout_batches/${batch}/payouts`, body: { part: number, batch_reference: declared.reference, currency: 'EUR', network: 'mtn-sandbox', payouts },
    })
    const rows = made.rows.map((row, at) => {
      const payment = {
        ...row.payment, payerMasked: '+46•••498', ...merchant.sealRecord('payments', row.payment.id, Buffer.from(JSON.stringify({
          payer: { phone }, amount_minor: '500', currency: 'EUR', direction: 'payout', network: 'mtn-sandbox', payee: tenant.merchant, description: null,
          reference: row.payment.reference, fee_minor: '0', ordered_in: { part: id, row: at },
        }))),
      }
      const shown = { ...payment, tenant, currency: payment.money.currency, amountMinor: payment.money.amountMinor }
      return { ...row, payment, eventProof: proveEvent(world.dispatcher.callbacks.secret, firstEvent(shown)) }
    })
    const sealed = merchant.sealRecord('payout_batch_parts', id, Buffer.from(`${JSON.stringify(word)}\n${body}`))
    const part = { ...made.part, ...sealed, digest: world.digestOf(batch, number, body), orderedBy: made.part.orderedBy }
    assert.deepEqual(await acceptPayoutPart(gateway, { ...made, part, rows }), { kind: 'accepted' })
    parts.push({ part: id, payments: rows.map(({ payment }) => payment.id) })
  }
  await gateway.close()
  return { batch, parts, declared }
}
