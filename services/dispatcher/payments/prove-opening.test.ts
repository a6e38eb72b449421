import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Authorization } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type MerchantSigningKeyId, type PaymentId, type PayoutBatchId } from '@ngome/kernel'
import { authorize, OutgoingWorld, payoutBody, type OrderToSign, type SigningKey } from '../testing/outgoing-world.ts'

const from = { clock: systemClock, random: systemRandom }
let world: OutgoingWorld
let key: SigningKey
let other: SigningKey
let reference: string

before(async () => {
  world = await OutgoingWorld.create()
  world.over.clear()
  key = await world.addKey()
  other = await world.addKey()
  await world.collect('+46733123499', 1_000_000n)
})
after(() => world.close())
beforeEach(() => {
  world.requests.length = 0
  world.revoked.clear()
  reference = `wages-${newId('payoutBatch', from)}`
})

const phone = '+46733123498'
const declared = { currency: 'EUR', count: 6, total: '30.00' }
const rowOf = (name: string) => ({ reference: name, amount: '5.00', payee: { phone } })
const newBatch = (): PayoutBatchId => newId('payoutBatch', from)
const opening = (change: object = {}, order: Partial<OrderToSign> = {}): Authorization =>
  authorize({ key, target: '/v1/payout_batches', body: { reference, ...declared, ...change }, ...order })
type PartToSign = { readonly rows?: readonly string[]; readonly part?: number; readonly of?: string; readonly by?: SigningKey }
const partOf = (batch: PayoutBatchId, { rows = ['w-1', 'w-2'], part = 1, of = reference, by = key }: PartToSign = {}): Authorization => authorize({
  key: by, target: `/v1/payout_batches/${batch}/payouts`, body: { part, batch_reference: of, currency: 'EUR', network: 'mtn-sandbox', payouts: rows.map(rowOf) },
})

/** The first row of a part, as its payout. */
async function rowIn(batch: PayoutBatchId, part: PartToSign = {}): Promise<PaymentId> {
  const ordered_in = { part: await world.keepPart(batch, part.part ?? 1, partOf(batch, part)), row: 0 }
  return world.payout({ phone, reference: part.rows?.[0] ?? 'w-1', sealed: { ordered_in } })
}

async function sends(payment: PaymentId): Promise<void> {
  world.requests.length = 0
  await world.dispatch(payment)
  assert.deepEqual(world.requests.map((request) => request.payment), [payment])
}

async function refuses(payment: PaymentId): Promise<void> {
  world.requests.length = 0
  await world.dispatch(payment)
  assert.deepEqual([await world.stateOf(payment), world.requests], [['failed', 'record_refused'], []])
  assert.ok((await world.eventsOf(payment)).includes('payment.mismatch ["authorization"]'), 'an alarm')
}

describe('a gateway that denies a batch, so that its merchant opens it again and signs the same rows for another id, pays each once', () => {
  test('though it holds openings and parts of both', async () => {
    const [first, second] = [newBatch(), newBatch()]
    await world.keepBatch(first, opening())
    await sends(await rowIn(first))
    await world.keepBatch(second, opening())
    await refuses(await rowIn(second))
    await refuses(await rowIn(second, { part: 2, rows: ['w-3'] }))
  })

  test('whichever it sends first', async () => {
    const [first, second] = [newBatch(), newBatch()]
    for (const batch of [first, second]) await world.keepBatch(batch, opening())
    const payments = [await rowIn(first), await rowIn(second)]
    await Promise.all(payments.map((payment) => world.dispatch(payment)))
    assert.equal(world.requests.length, 1)
  })

  test('also with one opening of the merchant\u2019s for both', async () => {
    const [first, second, word] = [newBatch(), newBatch(), opening()]
    await world.keepBatch(first, word)
    await world.keepBatch(second, word)
    await sends(await rowIn(second))
    await refuses(await rowIn(first))
  })

  test('also with the opening of the merchant\u2019s next batch: a part says the reference that it is for', async () => {
    const [first, second] = [newBatch(), newBatch()]
    await world.keepBatch(first, opening())
    await world.keepBatch(second, opening({ reference: `${reference}.next` }))
    await sends(await rowIn(first))
    await refuses(await rowIn(second))
    await sends(await rowIn(second, { part: 2, of: `${reference}.next` }))
  })

  test('also where it has the first again, once the second one was counted', async () => {
    const [first, second] = [newBatch(), newBatch()]
    await world.keepBatch(second, opening())
    await sends(await rowIn(second))
    await world.keepBatch(first, opening())
    await refuses(await rowIn(first, { rows: ['w-9'] }))
    await sends(await rowIn(second, { part: 2, rows: ['w-2'] }))
  })
})

describe('no row goes out of a batch', () => {
  type Options = Parameters<OutgoingWorld['keepBatch']>[2]
  const attacks: readonly (readonly [string, (batch: PayoutBatchId) => Authorization | Promise<Authorization>, Options?])[] = [
    ['that was opened as something else than is written: a total', () => opening(), { written: { total: '9.99' } }],
    ['that was opened as something else: a count', () => opening(), { written: { count: 3 } }],
    ['that was opened as something else: a reference', () => opening({ reference: 'other' }), { written: { reference: 'wages' } }],
    ['that was opened in another currency than is written', () => opening({ currency: 'USD' }), { written: { currency: 'EUR' } }],
    ['whose opening is another\u2019s record', () => opening(), { sealedAs: newId('payoutBatch', from) }],
    ['on the word for a payout', () => ({ ...authorize({ key, target: '/v1/payouts', body: payoutBody }), body: opening().body })],
    ['on the word for a part', (batch) => ({ ...partOf(batch), body: opening().body })],
    ['that was opened at another path', () => opening({}, { target: '/v1/payout_batches/' })],
    ['that was opened by another method', () => opening({}, { method: 'PUT' })],
    ['whose opening was signed long before', () => opening({}, { createdAtMs: systemClock.nowMs() - 3_600_000 })],
    ['that nobody opened', () => ({ ...opening(), signature: Buffer.alloc(64).toString('base64') })],
    ['that a key opened which no custodian states', async () => opening({}, { key: await world.addKey(world.merchant.tenant, generateKeyPairSync('ed25519').privateKey) })],
    ['that another merchant opened', async () => opening({}, { key: await world.addKey(world.other.tenant) })],
  ]
  for (const [what, forge, options] of attacks) {
    test(what, async () => {
      const batch = newBatch()
      await world.keepBatch(batch, await forge(batch), options)
      await refuses(await rowIn(batch))
      assert.equal(await world.dispatcher.payments.findBatchWord(world.merchant.tenant, batch), undefined, 'and it is not counted')
    })
  }

  test('that was opened in another currency than its rows\u2019', async () => {
    const batch = newBatch()
    await world.keepBatch(batch, opening({ currency: 'USD' }))
    await refuses(await rowIn(batch))
  })

  test('whose opening is not there', async () => {
    const batch = newBatch()
    await world.keepBatch(batch, opening())
    await world.database.asAdmin(`SET session_replication_role = replica; DELETE FROM ngome.payout_batch_openings WHERE batch = '${batch}'`)
    await refuses(await rowIn(batch))
  })

  test('from the part on that passes the declared total, or the declared count', async () => {
    for (const change of [{ total: '14.99', count: 9 }, { total: '99.00', count: 3 }]) {
      const batch = newBatch()
      await world.keepBatch(batch, opening({ ...change, reference: `r.${batch}` }))
      const of = `r.${batch}`
      await sends(await rowIn(batch, { of }))
      await refuses(await rowIn(batch, { of, part: 2, rows: ['w-3', 'w-4'] }))
    }
  })

  for (const when of ['before the first row', 'while it is under way'] as const) {
    test(`whose opener\u2019s key was revoked ${when}, though another signed the parts`, async () => {
      const batch = newBatch()
      await world.keepBatch(batch, opening())
      if (when === 'while it is under way') await sends(await rowIn(batch, { by: other }))
      world.revoked.add(key.id satisfies MerchantSigningKeyId)
      await refuses(await rowIn(batch, { by: other, part: 2, rows: ['w-2'] }))
    })
  }
})

test('what was signed to open a batch is opened once, for all of its parts', async () => {
  const batch = newBatch()
  await world.keepBatch(batch, opening())
  world.openings.length = 0
  await sends(await rowIn(batch, { rows: ['w-1'] }))
  await sends(await rowIn(batch, { part: 2, rows: ['w-2'] }))
  assert.deepEqual(world.openings.filter((purpose) => purpose === 'payout-batch').length, 1)
  const [word] = await world.database.asAdmin('SELECT reference, declared_count, declared_minor, signing_key FROM ngome.payout_batch_words WHERE batch = $1', [batch])
  assert.deepEqual(word, { reference, declared_count: 6, declared_minor: '3000', signing_key: key.id })
})
