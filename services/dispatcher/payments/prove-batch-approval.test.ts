import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Authorization } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId, type PayoutBatchId, type PayoutBatchPartId } from '@ngome/kernel'
import type { SealedPaymentOptions } from '@ngome/testkit'
import { authorize, OutgoingWorld, type OrderToSign, type SigningKey } from '../testing/outgoing-world.ts'

const from = { clock: systemClock, random: systemRandom }
let world: OutgoingWorld
/** Who opens, who sends a part, and who approves; the fourth is the first by another name. */
let opener: SigningKey
let sender: SigningKey
let second: SigningKey
let alias: SigningKey
let batch: PayoutBatchId
let reference: string

before(async () => {
  world = await OutgoingWorld.create()
  const pair = generateKeyPairSync('ed25519')
  opener = await world.addKey(undefined, undefined, pair)
  alias = await world.addKey(undefined, undefined, pair)
  sender = await world.addKey()
  second = await world.addKey()
  await world.collect('+46733123499', 1_000_000n)
})
after(() => world.close())
beforeEach(() => {
  world.requests.length = 0
  world.keyState = 'stands'
  world.revoked.clear()
  world.over.set('EUR', 1_000n)
  batch = newId('payoutBatch', from)
  reference = `wages-${batch}`
})

const phone = '+46733123498'
const declared = { currency: 'EUR', count: 4, total: '20.00' }
const open = (change: object = {}): Promise<void> =>
  world.keepBatch(batch, authorize({ key: opener, target: '/v1/payout_batches', body: { reference, ...declared, ...change } }))
const partOf = (number: number, names: readonly string[], key = opener, amount = '5.00'): Authorization => authorize({
  key, target: `/v1/payout_batches/${batch}/payouts`,
  body: { part: number, batch_reference: reference, currency: 'EUR', network: 'mtn-sandbox', payouts: names.map((name) => ({ reference: name, amount, payee: { phone } })) },
})
type Parts = { readonly one: PayoutBatchPartId; readonly two: PayoutBatchPartId }
/** Two parts, of which somebody else may have sent the second. */
async function whole(sentBy = opener): Promise<Parts> {
  await open()
  return { one: await world.keepPart(batch, 1, partOf(1, ['w-1', 'w-2'])), two: await world.keepPart(batch, 2, partOf(2, ['w-3', 'w-4'], sentBy)) }
}
const seen = async (change: object = {}) => ({ reference, ...declared, parts_digest: await world.partsDigestOf(batch), ...change })
const signed = async (change: object = {}, order: Partial<OrderToSign> = {}): Promise<Authorization> =>
  authorize({ key: second, target: `/v1/payout_batches/${batch}/approve`, body: await seen(change), ...order })
const approve = async (word?: Authorization): Promise<void> => world.keepAnswer(batch, word ?? await signed())
const payoutOf = (part: PayoutBatchPartId, row: number, name: string, options: Partial<SealedPaymentOptions> = {}): Promise<PaymentId> =>
  world.payout({ phone, reference: name, sealed: { ordered_in: { part, row } }, ...options })

async function sends(payment: PaymentId): Promise<void> {
  world.requests.length = 0
  await world.dispatch(payment)
  assert.deepEqual(world.requests.map((request) => request.payment), [payment])
}

async function refuses(payment: PaymentId, what = 'approval'): Promise<void> {
  world.requests.length = 0
  await world.dispatch(payment)
  assert.deepEqual(await world.stateOf(payment), ['failed', 'record_refused'])
  assert.ok((await world.eventsOf(payment)).includes(`payment.mismatch ["${what}"]`), 'an alarm')
  assert.deepEqual(world.requests, [])
}

describe('rows of a batch over the limit that a second person approved', () => {
  test('go out, of each part, also of one that is over the limit by itself', async () => {
    world.over.set('EUR', 499n)
    const { one, two } = await whole(sender)
    await approve()
    await sends(await payoutOf(one, 0, 'w-1'))
    await sends(await payoutOf(two, 1, 'w-4'))
  })

  test('stop at the row before which the approver\u2019s key was revoked, and at that before which the opener\u2019s was', async () => {
    const { one, two } = await whole(sender)
    await approve()
    await sends(await payoutOf(one, 0, 'w-1'))
    world.revoked.add(second.id)
    await refuses(await payoutOf(one, 1, 'w-2'))
    world.revoked.clear()
    await sends(await payoutOf(two, 0, 'w-3'))
    world.revoked.add(opener.id)
    await refuses(await payoutOf(two, 1, 'w-4'), 'authorization')
  })

  test('come to what was declared, which the second person signed, and no more', async () => {
    await open({ total: '10.01', count: 2 })
    const [one, two] = [await world.keepPart(batch, 1, partOf(1, ['w-1'], opener, '10.01')), await world.keepPart(batch, 2, partOf(2, ['w-2'], opener, '10.01'))]
    await approve(await signed({ total: '10.01', count: 2 }))
    await sends(await payoutOf(one, 0, 'w-1', { amountMinor: 1_001n }))
    await refuses(await payoutOf(two, 0, 'w-2', { amountMinor: 1_001n }), 'authorization')
  })
})

/** What is kept of a batch whose parts came; the payment is one that no second person let go. */
type Attack = readonly [string, () => Promise<PaymentId>, alarm?: string]
const answered = (word: () => Promise<Authorization>, sentBy?: () => SigningKey): (() => Promise<PaymentId>) => async () => {
  const { two } = await whole(sentBy?.())
  await approve(await word())
  return payoutOf(two, 0, 'w-3')
}
const ofBatch = (target: string): (() => Promise<PaymentId>) => answered(() => signed({}, { target }))

describe('a gateway that was taken over cannot pay what no second person approved', () => {
  const attacks: readonly Attack[] = [
    ['where nobody answered', async () => payoutOf((await whole()).two, 0, 'w-3')],
    ['where the answer was no', async () => {
      const { two } = await whole()
      await world.keepAnswer(batch, await signed(), 'refused')
      return payoutOf(two, 0, 'w-3')
    }],
    ['by an approval that it wrote itself', answered(async () => ({ ...await signed(), signature: Buffer.alloc(64).toString('base64') }))],
    ['by an approval of a key that no custodian states', answered(async () => signed({}, { key: await world.addKey(undefined, generateKeyPairSync('ed25519').privateKey) }))],
    ['by an approval of another merchant\u2019s key', answered(async () => signed({}, { key: await world.addKey(world.other.tenant) }))],
    ['by an approval under another key\u2019s name', answered(async () => ({ ...await signed(), key: sender.id }))],
    ['by an approval of who opened it', answered(() => signed({}, { key: opener }))],
    ['by an approval of who opened it, under another name of the same key', answered(() => signed({}, { key: alias }))],
    ['by an approval of who sent the part', answered(() => signed({}, { key: sender }), () => sender)],
    ['by an approval of who sent the part, where it was sent under another name of the key', answered(() => signed({}, { key: opener }), () => alias)],
    ['by an approval of a key that was revoked since', async () => {
      const payment = await answered(() => signed())()
      world.revoked.add(second.id)
      return payment
    }],
    ['by an approval of another batch', () => ofBatch(`/v1/payout_batches/${newId('payoutBatch', from)}/approve`)()],
    ['by a refusal that it calls an approval', () => ofBatch(`/v1/payout_batches/${batch}/refuse`)()],
    ['by an approval of a single payout', () => ofBatch(`/v1/payouts/${newId('payout', from)}/approve`)()],
    ['by an approval with another method', answered(() => signed({}, { method: 'PUT' }))],
    ['by an approval of another total', answered(() => signed({ total: '19.00' }))],
    ['by an approval of another count', answered(() => signed({ count: 3 }))],
    ['by an approval of another reference', answered(() => signed({ reference: 'wages' }))],
    ['by an approval of another currency', answered(() => signed({ currency: 'USD' }))],
    ['by an approval that names no parts', answered(() => signed({ parts_digest: undefined }))],
    ['by an approval that says more', answered(() => signed({ note: 'yes' }))],
    ['by an approval of other parts', answered(() => signed({ parts_digest: '0'.repeat(64) }))],
    ['by an approval whose body was changed after it was signed', answered(async () => {
      const word = await signed({ total: '19.00' })
      return { ...word, body: word.body.replace('19.00', '20.00') }
    })],
    ['by an approval that was signed before it came', answered(() => signed({}, { createdAtMs: systemClock.nowMs() - 3_600_000 }))],
    ['in a part that came after the approval', async () => {
      await open()
      await world.keepPart(batch, 1, partOf(1, ['w-1', 'w-2']))
      await approve()
      return payoutOf(await world.keepPart(batch, 2, partOf(2, ['w-3', 'w-4'])), 0, 'w-3')
    }],
    ['in a part that came after the approval was once proven', async () => {
      await open()
      const one = await world.keepPart(batch, 1, partOf(1, ['w-1', 'w-2']))
      await approve()
      await sends(await payoutOf(one, 0, 'w-1'))
      return payoutOf(await world.keepPart(batch, 2, partOf(2, ['w-3', 'w-4'])), 0, 'w-3')
    }],
    ['in a part that takes the number of one that was approved', changed(({ one, two }) => `UPDATE ngome.payout_batch_parts SET number = 7 WHERE id = '${one}';
      UPDATE ngome.payout_batch_parts SET number = 1 WHERE id = '${two}'`), 'authorization'],
    ['of a list that one was left out of', changed(({ one }) => `DELETE FROM ngome.payout_batch_parts WHERE id = '${one}'`)],
    ['of a list that one was added to', async () => {
      const { two } = await whole()
      await approve()
      await world.keepPart(batch, 3, partOf(3, ['w-5']))
      return payoutOf(two, 0, 'w-3')
    }],
    ['of a list in another order', changed(({ one, two }) => `UPDATE ngome.payout_batch_parts p SET digest = o.digest FROM ngome.payout_batch_parts o
      WHERE p.id IN ('${one}', '${two}') AND o.id IN ('${one}', '${two}') AND o.id <> p.id`)],
    ['of a list in which its digest was changed', changed(({ two }) => `UPDATE ngome.payout_batch_parts SET digest = decode('${'00'.repeat(32)}', 'hex') WHERE id = '${two}'`)],
    ['of a list in which another\u2019s digest was changed', changed(({ one }) => `UPDATE ngome.payout_batch_parts SET digest = decode('${'00'.repeat(32)}', 'hex') WHERE id = '${one}'`)],
    ['in another body that the same key signed for the same number', async () => {
      await open()
      const listed = partOf(1, ['w-1', 'w-2'])
      const part = await world.keepPart(batch, 1, partOf(1, ['w-8', 'w-9']))
      await past(`UPDATE ngome.payout_batch_parts SET digest = decode('${Buffer.from(world.digestOf(batch, 1, listed.body)).toString('hex')}', 'hex') WHERE id = '${part}'`)
      await approve()
      return payoutOf(part, 0, 'w-8')
    }],
  ]
  for (const [what, attack, alarm] of attacks) test(what, async () => refuses(await attack(), alarm))

  test('by the approval of a batch of the same reference, which was denied to its merchant', async () => {
    await whole()
    await approve()
    const denied = batch
    batch = newId('payoutBatch', from)
    const { two } = await whole()
    const [{ base, signature, body, signing_key: key } = {}] = await world.database.asAdmin('SELECT base, signature, body, signing_key FROM ngome.payout_batch_approvals WHERE batch = $1', [denied]) as Record<string, string>[]
    await world.keepAnswer(batch, { base, signature, body, key } as never)
    await refuses(await payoutOf(two, 0, 'w-3'))
  })
})

/** Past the guards of the database, as nobody could. */
const past = (text: string): Promise<unknown> => world.database.asAdmin(`SET session_replication_role = replica; ${text}`)
function changed(text: (parts: Parts) => string): () => Promise<PaymentId> {
  return async () => {
    const parts = await whole()
    await approve()
    await past(text(parts))
    return payoutOf(parts.two, 0, 'w-3')
  }
}
