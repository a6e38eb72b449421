import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { emit, type Authorization } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId, type PayoutBatchId, type PayoutBatchPartId } from '@ngome/kernel'
import { approvePayout } from '@ngome/store'
import type { SealedPaymentOptions } from '@ngome/testkit'
import type { Dispatcher } from '../dispatcher.ts'
import { authorize, OutgoingWorld, payoutBody, type OrderToSign, type SigningKey } from '../testing/outgoing-world.ts'
import { dispatchPayment } from './dispatch-payment.ts'
import { openPart } from './open-part.ts'
import { settlePayment } from './settle-payment.ts'

const from = { clock: systemClock, random: systemRandom }
let world: OutgoingWorld
let key: SigningKey
let collection: PaymentId
let batch: PayoutBatchId
let reference: string
let body: ReturnType<typeof bodyOf>

before(async () => {
  world = await OutgoingWorld.create()
  key = await world.addKey()
  collection = await world.collect('+46733123499', 1_000_000n)
})
after(() => world.close())
beforeEach(() => {
  world.requests.length = 0
  world.keyState = 'stands'
  world.revoked.clear()
  batch = newId('payoutBatch', from)
  reference = `wages-${batch}`
  body = bodyOf(reference)
  isOpened = false
  world.over.set('EUR', 10_000n)
})

const [anna, berta] = ['+46733123498', '+46733123497']
const rows = [
  { reference: 'w-1', amount: '5.00', payee: { phone: anna } },
  { reference: 'w-2', amount: '7.00', payee: { phone: berta }, network: 'mtn-sandbox', description: 'November' },
]
const bodyOf = (of: string) => ({ part: 1, batch_reference: of, currency: 'EUR', network: 'mtn-sandbox', payouts: rows })
const signed = (order: Partial<OrderToSign> = {}): Authorization => authorize({ key, target: `/v1/payout_batches/${batch}/payouts`, body, ...order })
const declared = { currency: 'EUR', count: 10, total: '100.00' }
/** What the merchant signs to open its batch. */
const opening = (change: object = {}, order: Partial<OrderToSign> = {}): Authorization =>
  authorize({ key, target: '/v1/payout_batches', body: { reference, ...declared, ...change }, ...order })
let isOpened = false
async function open(word = opening(), options: Parameters<OutgoingWorld['keepBatch']>[2] = {}): Promise<void> {
  isOpened = true
  await world.keepBatch(batch, word, options)
}
async function keep(word = signed(), number = 1, sealedAs?: PayoutBatchPartId): Promise<PayoutBatchPartId> {
  if (!isOpened) await open()
  return world.keepPart(batch, number, word, sealedAs)
}

/** The payout that a gateway, or one that was taken over, makes of a row. */
function payoutOf(part: PayoutBatchPartId, row: number, options: Partial<SealedPaymentOptions> = {}): Promise<PaymentId> {
  return world.payout({ phone: anna, reference: 'w-1', ...options, sealed: { ordered_in: { part, row }, ...options.sealed } })
}
const second = { phone: berta, amountMinor: 700n, reference: 'w-2', description: 'November' }

async function sends(payment: PaymentId): Promise<void> {
  world.requests.length = 0
  await world.dispatch(payment)
  assert.deepEqual(world.requests.map((request) => request.payment), [payment])
}

async function refuses(payment: PaymentId, what = 'authorization'): Promise<void> {
  world.requests.length = 0
  await world.dispatch(payment)
  assert.deepEqual(await world.stateOf(payment), ['failed', 'record_refused'])
  assert.ok((await world.eventsOf(payment)).includes(`payment.mismatch ["${what}"]`), 'an alarm')
  assert.deepEqual(world.requests, [])
}

describe('a row of a part that its merchant signed', () => {
  test('is paid once, as its place in the part says', async () => {
    const part = await keep()
    const [one, two] = [await payoutOf(part, 0), await payoutOf(part, 1, second)]
    await sends(one)
    await world.dispatch(one)
    assert.equal(world.requests.length, 1)
    await sends(two)
    assert.deepEqual(world.requests.map(({ money, phone, description }) => [money.amountMinor, phone?.expose((text) => text), description]), [[700n, berta, 'November']])
  })

  test('waits while the custodian opens no part, and is not failed by that', async () => {
    const part = await keep()
    const payment = await payoutOf(part, 0)
    for (const openings of [1, 2]) {
      world.openingsLeft = openings
      await world.dispatch(payment)
      assert.deepEqual(await world.stateOf(payment), ['accepted', null])
    }
    world.openingsLeft = Number.POSITIVE_INFINITY
    await sends(payment)
  })

  test('needs one opening of its part for all of its rows', async () => {
    const part = await keep()
    const payments = [await payoutOf(part, 0), await payoutOf(part, 1, second)]
    world.openings.length = 0
    for (const payment of payments) await sends(payment)
    assert.deepEqual(world.openings.toSorted(), ['dispatch', 'dispatch', 'payout-batch', 'payout-part'])
  })
})

type Attack = readonly [string, () => Promise<PaymentId>]
const inPart = (row: number, options: Partial<SealedPaymentOptions>, word: () => Authorization = signed): (() => Promise<PaymentId>) => async () =>
  payoutOf(await keep(word()), row, options)

describe('a gateway that was taken over cannot pay', () => {
  const attacks: readonly Attack[] = [
    ['a row that the part does not have', inPart(2, { reference: 'w-3' })],
    ['a row of a raised amount', inPart(0, { amountMinor: 50_000n })],
    ['a row to another payee', inPart(0, { phone: '+46733123400' })],
    ['a row to the payee of another row', inPart(0, { phone: berta })],
    ['a row under another reference, to pay it twice', inPart(0, { reference: 'w-1b' })],
    ['a row with another description', inPart(1, { ...second, description: 'December' })],
    ['a row as it is, from the place of another', inPart(1, {})],
    ['a row by another network than it says', inPart(1, second, () => signed({ body: { ...body, payouts: [rows[0], { ...rows[1], network: 'mtn-ug' }] } }))],
    ['a row whose part says no network', inPart(0, {}, () => signed({ body: { ...body, network: undefined } }))],
    ['a row of another currency', inPart(0, {}, () => signed({ body: { ...body, currency: 'USD' } }))],
    ['what was signed for another batch', inPart(0, {}, () => signed({ target: `/v1/payout_batches/${newId('payoutBatch', from)}/payouts` }))],
    ['what was signed as a part of another number', inPart(0, {}, () => signed({ body: { ...body, part: 2 } }))],
    ['what was signed to open a batch', inPart(0, {}, () => signed({ target: '/v1/payout_batches' }))],
    ['what was signed with another method', inPart(0, {}, () => signed({ method: 'PUT' }))],
    ['rows that were added to what was signed', inPart(2, { reference: 'w-3' }, () => ({
      ...signed(), body: JSON.stringify({ ...body, payouts: [...rows, { ...rows[0], reference: 'w-3' }] }),
    }))],
    ['what was signed long before', inPart(0, {}, () => signed({ createdAtMs: systemClock.nowMs() - 3_600_000 }))],
    ['what another key signed', inPart(0, {}, () => ({ ...signed(), key: newId('merchantSigningKey', from) }))],
    ['what nobody signed', inPart(0, {}, () => ({ ...signed(), signature: Buffer.alloc(64).toString('base64') }))],
    ['what a key signed that no custodian states', async () => {
      const own = await world.addKey(world.merchant.tenant, generateKeyPairSync('ed25519').privateKey)
      return payoutOf(await keep(signed({ key: own })), 0)
    }],
    ['what another merchant signed', async () => payoutOf(await keep(signed({ key: await world.addKey(world.other.tenant) })), 0)],
    ['a row of no part', () => payoutOf(newId('payoutBatchPart', from), 0)],
    ['a row of a part that was sealed as another', async () => payoutOf(await keep(signed(), 1, newId('payoutBatchPart', from)), 0)],
    ['a row that has a word of its own beside', async () => payoutOf(await keep(), 0, {
      sealed: { authorization: authorize({ key, target: '/v1/payouts', body: { ...payoutBody, reference: 'w-1' } }) },
    })],
    ['a single payout on the word for a part', () => world.payout({ reference: 'w-1', sealed: { authorization: signed() } })],
    ['a part on the word for a single payout', inPart(0, {}, () => authorize({ key, target: '/v1/payouts', body: payoutBody }))],
    ['a refund as a row', async () => world.merchant.accept({
      phone: '+46733123499', direction: 'refund', original: collection, reference: 'w-1', sealed: { payer: undefined, ordered_in: { part: await keep(), row: 0 } },
    })],
  ]
  for (const [what, attack] of attacks) test(what, async () => refuses(await attack()))

  test('a row twice', async () => {
    const part = await keep()
    await sends(await payoutOf(part, 0))
    await refuses(await payoutOf(part, 0))
  })

  test('a row again in another part of the batch, though its merchant signed that too', async () => {
    await sends(await payoutOf(await keep(), 0))
    const again = await keep(signed({ body: { ...body, part: 2 } }), 2)
    await refuses(await payoutOf(again, 0))
    await sends(await payoutOf(again, 1, second))
  })

  test('two bodies of one part: the first is the part', async () => {
    await sends(await payoutOf(await keep(), 0))
    const digest = systemRandom.bytes(32)
    const word = { batch, digest, count: 2, total: { amountMinor: 1_000n, currency: 'EUR' }, atMs: 1 } as const
    assert.deepEqual(await world.dispatcher.payments.claimPartWord(world.merchant.tenant, { ...word, number: 1 }), { kind: 'other' })
    assert.deepEqual(await world.dispatcher.payments.claimPartWord(world.merchant.tenant, { ...word, number: 2 }), { kind: 'claimed', batchCount: 4, batchMinor: 2_200n })
    await refuses(await payoutOf(await keep(signed({ body: { ...body, part: 2 } }), 2), 1, second))
  })

  for (const state of ['revoked', 'unknown'] as const) {
    test(`by a key of which the custodian says: ${state}`, async () => {
      const part = await keep()
      world.keyState = state
      await refuses(await payoutOf(part, 0))
    })
  }
})

describe('what one person may not order in one payout goes out in no batch, whatever a gateway that was taken over checks', () => {
  const partTwo = () => keep(signed({ body: { ...body, part: 2, payouts: rows.map((row) => ({ ...row, reference: `${row.reference}-2` })) } }), 2)

  test('no row that is over the limit by itself', async () => {
    world.over.set('EUR', 499n)
    await refuses(await payoutOf(await keep(), 0), 'approval')
  })

  test('no row of a part that is over it, though each row is not, nor what was declared', async () => {
    world.over.set('EUR', 1_199n)
    await open(opening({ total: '11.00' }))
    const part = await keep()
    await refuses(await payoutOf(part, 0), 'approval')
    await refuses(await payoutOf(part, 1, second), 'approval')
  })

  test('and rows of a part that comes to the limit', async () => {
    world.over.set('EUR', 1_200n)
    await open(opening({ total: '12.00' }))
    const part = await keep()
    await sends(await payoutOf(part, 0))
    await sends(await payoutOf(part, 1, second))
  })

  test('no row of a batch that was declared to come to more, however little its parts have', async () => {
    await open(opening({ total: '100.01' }))
    const part = await keep()
    await refuses(await payoutOf(part, 0), 'approval')
  })

  test('no row of the part with which the batch comes to more than was declared, nor one of those before it from then on', async () => {
    world.over.set('EUR', 2_399n)
    await open(opening({ total: '20.00' }))
    const one = await keep()
    await sends(await payoutOf(one, 0))
    const two = await partTwo()
    await refuses(await payoutOf(two, 0, { reference: 'w-1-2' }), 'approval')
    await refuses(await payoutOf(one, 1, second), 'approval')
  })

  test('nor of two parts at once', async () => {
    world.over.set('EUR', 2_399n)
    await open(opening({ total: '20.00' }))
    const payments = [await payoutOf(await keep(), 0), await payoutOf(await partTwo(), 0, { reference: 'w-1-2' })]
    await Promise.all(payments.map((payment) => world.dispatch(payment)))
    assert.ok(world.requests.length <= 1, 'both never go out')
  })

  test('nor by an approval that somebody signed for one row', async () => {
    world.over.set('EUR', 499n)
    const [maker, asker, approver] = [newId('apiKey', from), newId('apiKey', from), await world.addKey()]
    const payment = await payoutOf(await keep(), 0, { askedBy: { apiKey: maker, keyLine: maker, signingKey: key.id } })
    const { key: signingKey, ...proof } = authorize({ key: approver, target: `/v1/payouts/${payment}/approve`, body: { amount: '5.00', currency: 'EUR', reference: 'w-1' } })
    const { tenant } = world.merchant
    const outcome = await approvePayout(world.database.open('ngome_gateway', { poolMax: 1 }), tenant, {
      payment, answer: { apiKey: asker, keyLine: asker, signingKey, decision: 'approved', proof }, atMs: systemClock.nowMs(), prove: () => null,
      event: emit({ ...from, process: 'gateway' }, 'payout.approved', tenant, { payment, status: 'accepted' }),
    })
    assert.deepEqual([outcome.kind, await world.stateOf(payment)], ['approved', ['accepted', null]])
    await refuses(payment, 'approval')
  })

  test('but another currency\u2019s limit is none of it', async () => {
    world.over.clear()
    world.over.set('UGX', 1n)
    await sends(await payoutOf(await keep(), 0))
  })
})

describe('what is kept of a part that was proven', () => {
  const signal = new AbortController().signal
  const dispatchWith = (ports: Partial<Dispatcher>, payment: PaymentId, { tenant } = world.merchant): Promise<void> =>
    dispatchPayment({ ...world.dispatcher, ...ports }, { ...tenant, payment }, signal)
  const inMs = (ms: number): Partial<Dispatcher> => ({ clock: { ...systemClock, nowMs: () => systemClock.nowMs() + ms } })
  /** What another dispatcher counts of the batch, so that it comes to more than was declared. */
  const countElsewhere = async (): Promise<void> => {
    world.over.set('EUR', 20_000n)
    const word = { batch, number: 2, digest: systemRandom.bytes(32), count: 2, total: { amountMinor: 9_000n, currency: 'EUR' }, atMs: 1 } as const
    assert.equal((await world.dispatcher.payments.claimPartWord(world.merchant.tenant, word)).kind, 'claimed')
  }
  const refusesWith = async (ports: Partial<Dispatcher>, payment: PaymentId): Promise<void> => {
    world.requests.length = 0
    await dispatchWith(ports, payment)
    assert.deepEqual([await world.stateOf(payment), world.requests], [['failed', 'record_refused'], []])
  }

  test('is its signature, its opening and its count, once for all of its rows', async () => {
    const part = await keep()
    const payments = [await payoutOf(part, 0), await payoutOf(part, 1, second)]
    const { payments: store } = world.dispatcher
    const asked: string[] = []
    const counting = {
      ...store,
      claimPartWord: (...args: Parameters<typeof store.claimPartWord>) => { asked.push('part'); return store.claimPartWord(...args) },
      findBatchWord: (...args: Parameters<typeof store.findBatchWord>) => { asked.push('batch'); return store.findBatchWord(...args) },
    }
    for (const payment of payments) await dispatchWith({ payments: counting }, payment)
    assert.deepEqual([world.requests.length, asked], [2, ['batch', 'part']])
  })

  const falls: readonly (readonly [string, (id: string) => unknown])[] = [
    ['that was revoked', (id) => world.database.asAdmin('UPDATE ngome.merchant_signing_keys SET revoked_at = now() WHERE id = $1', [id])],
    ['of which the custodian says that it was revoked', (id) => world.revoked.add(id as never)],
    ['whose row is not what was stated any more', (id) => world.database.asAdmin('UPDATE ngome.merchant_signing_keys SET expires_at = expires_at + interval \'1 hour\' WHERE id = $1', [id])],
    ['whose row has another key', (id) => world.database.asAdmin('UPDATE ngome.merchant_signing_keys SET spki = (SELECT spki FROM ngome.merchant_signing_keys WHERE id = $2) WHERE id = $1', [id, key.id])],
  ]
  for (const [what, fall] of falls) {
    for (const who of ['the part', 'the opening'] as const) {
      test(`is no key: the rest of it stops at one ${what}, of who signed ${who}`, async () => {
        const fallen = await world.addKey()
        await open(opening({}, who === 'the opening' ? { key: fallen } : {}))
        const part = await keep(signed(who === 'the part' ? { key: fallen } : {}))
        await sends(await payoutOf(part, 0))
        await fall(fallen.id)
        await refuses(await payoutOf(part, 1, second))
      })
    }
  }

  test('is no key whose time ended since', async () => {
    const part = await keep()
    await sends(await payoutOf(part, 0))
    const payment = await payoutOf(part, 1, second)
    const late = systemClock.nowMs() + 7_200_000
    let looks = 0
    // The part is found as it was kept; by the time its key is looked at, hours have passed.
    await refusesWith({ clock: { ...systemClock, nowMs: () => looks++ === 0 ? systemClock.nowMs() : late } }, payment)
  })

  test('pays no row of another body that was put under its id, then or later', async () => {
    const part = await keep()
    await sends(await payoutOf(part, 0))
    const { body: other, ...word } = signed({ body: { ...body, payouts: [{ ...rows[0], reference: 'w-9' }] } })
    const { dataKey, sealed } = world.merchant.sealRecord('payout_batch_parts', part, Buffer.from(`${JSON.stringify(word)}\n${other}`))
    // Whoever owns the database can do what no role may.
    await world.database.asAdmin('ALTER TABLE ngome.payout_batch_parts DISABLE TRIGGER USER')
    await world.database.asAdmin('UPDATE ngome.payout_batch_parts SET sealed = $2, data_key = $3 WHERE id = $1', [part, sealed, dataKey])
    await refuses(await payoutOf(part, 0, { reference: 'w-9' }))
    await refusesWith(inMs(60_000), await payoutOf(part, 0, { reference: 'w-9' }))
  })

  test('is no other merchant\u2019s, who has a part of the same id', async () => {
    const part = await keep()
    await sends(await payoutOf(part, 0))
    const { other } = world
    world.answers = { request: { kind: 'taken' }, enquiry: { kind: 'succeeded', networkReference: 'n-2' } }
    const funds = await other.accept({ phone: '+46733123499', amountMinor: 1_000n })
    await dispatchWith({}, funds, other)
    await settlePayment(world.dispatcher, other.tenant, funds, signal)
    const payment = await other.accept({ phone: anna, direction: 'payout', reference: 'w-1', sealed: { ordered_in: { part, row: 0 } } })
    world.requests.length = 0
    await dispatchWith({}, payment, other)
    assert.deepEqual([await world.stateOf(payment), world.requests], [['failed', 'record_refused'], []])
  })

  test('goes on within what was declared while another dispatcher counts too much, of which nothing is paid', async () => {
    const part = await keep()
    await sends(await payoutOf(part, 0))
    await countElsewhere()
    await sends(await payoutOf(part, 1, second))
    // What is counted from then on is not within it.
    const three = await keep(signed({ body: { ...body, part: 3, payouts: [{ ...rows[0], reference: 'w-3' }] } }), 3)
    await refuses(await payoutOf(three, 0, { reference: 'w-3' }))
  })

  const ends: readonly (readonly [string, number])[] = [['after a minute', 60_000], ['by a clock that was set back', -1_000]]
  for (const [what, ms] of ends) {
    test(`is counted anew ${what}`, async () => {
      const part = await keep()
      await sends(await payoutOf(part, 0))
      await countElsewhere()
      await refusesWith(inMs(ms), await payoutOf(part, 1, second))
    })
  }

  test('and once eight others were opened', async () => {
    const part = await keep()
    await sends(await payoutOf(part, 0))
    await countElsewhere()
    for (let number = 11; number < 19; number++) await openPart(world.dispatcher, world.merchant.tenant, await keep(signed({ body: { ...body, part: number } }), number), signal)
    await refuses(await payoutOf(part, 1, second))
  })
})
