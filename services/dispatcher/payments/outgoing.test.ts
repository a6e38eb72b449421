import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Authorization } from '@ngome/contracts'
import { Fault, newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { authorize, OutgoingWorld, payoutBody, type OrderToSign, type SigningKey } from '../testing/outgoing-world.ts'

let world: OutgoingWorld
let key: SigningKey
let collection: PaymentId

before(async () => {
  world = await OutgoingWorld.create()
  key = await world.addKey()
  collection = await world.collect('+46733123499', 100_000n)
})
after(() => world.close())
beforeEach(() => {
  world.requests.length = 0
  world.keyState = 'stands'
  world.isIdempotent = true
  world.directions = ['collection', 'payout', 'refund']
  world.answers = { request: { kind: 'taken' }, enquiry: { kind: 'succeeded', networkReference: 'n-2' } }
})

const authorized = (order: Partial<OrderToSign> = {}): Authorization => authorize({ key, target: '/v1/payouts', body: payoutBody, ...order })
const refundTarget = (of: PaymentId): string => `/v1/payments/${of}/refunds`
const refundBody = { amount: '5.00', reference: 'order-42' }
const refund = (of: PaymentId, authorization: Authorization): Promise<PaymentId> => world.merchant.accept({
  phone: '+46733123499', direction: 'refund', original: of, sealed: { authorization, payer: undefined },
})

async function expectRefused(id: PaymentId, field = 'authorization'): Promise<void> {
  await world.dispatch(id)
  assert.deepEqual(await world.stateOf(id), ['failed', 'record_refused'])
  assert((await world.eventsOf(id)).includes(`payment.mismatch ["${field}"]`), 'an alarm')
  assert.deepEqual(world.requests, [])
}

describe('a payout that its merchant signed', () => {
  test('goes out once, to whom and with what it says, and ends by the network\'s word', async () => {
    const id = await world.payout({ sealed: { authorization: authorized() } })
    await world.dispatch(id)
    await world.dispatch(id)
    const [request] = world.requests
    assert(request !== undefined && world.requests.length === 1)
    assert.deepEqual([request.direction, request.payment, request.money], ['payout', id, { amountMinor: 500n, currency: 'EUR' }])
    assert.equal(request.phone?.expose((phone) => phone), '+46733123498')
    assert.equal(await world.settle(id), 'ended')
    assert.deepEqual(await world.stateOf(id), ['succeeded', null])
    assert.deepEqual((await world.eventsOf(id)).slice(1), ['payout.processing', 'payout.succeeded'])
  })
  test('waits while the custodian cannot say whether the key stands', async () => {
    const id = await world.payout({ sealed: { authorization: authorized() } })
    world.keyState = 'away'
    await assert.rejects(world.dispatch(id), (error) => error instanceof Fault && error.code === 'custodian/unavailable')
    assert.deepEqual(await world.stateOf(id), ['accepted', null])
    world.keyState = 'stands'
    await world.dispatch(id)
    assert.equal(world.requests.length, 1)
  })
  test('to a network that pays nothing out ends before anything was sent', async () => {
    world.directions = ['collection']
    const id = await world.payout({ sealed: { authorization: authorized() } })
    await world.dispatch(id)
    assert.deepEqual(await world.stateOf(id), ['failed', 'not_allowed'])
    assert.deepEqual(world.requests, [])
  })
})

describe('a gateway that was taken over seals a payout, and nothing is sent:', () => {
  const attacks: readonly [string, () => Authorization | undefined | Promise<Authorization>][] = [
    ['without a signature', () => undefined],
    ['with the signature of another request', () => authorized({ method: 'PUT' })],
    ['with the signature of another operation', () => authorized({ target: '/v1/payments' })],
    ['with a query that the operation does not have', () => authorized({ target: '/v1/payouts?a=1' })],
    ['with the signature of another merchant', async () => authorized({ key: await world.addKey(world.other.tenant) })],
    ['with a key that nobody was given', () => authorized({ key: { id: newId('merchantSigningKey', { clock: systemClock, random: systemRandom }), privateKey: key.privateKey } })],
    ['with a key in a row that the custodian did not state', async () => authorized({
      key: await world.addKey(world.merchant.tenant, generateKeyPairSync('ed25519').privateKey),
    })],
    ['with a key that says it is another', () => authorized({ key: { ...key, privateKey: generateKeyPairSync('ed25519').privateKey } })],
    ['with the name of another key beside it', () => ({ ...authorized(), key: newId('merchantSigningKey', { clock: systemClock, random: systemRandom }) })],
    ['with the body of another request', () => ({ ...authorized(), body: JSON.stringify({ ...payoutBody, reference: 'order-43' }) })],
    ['with the base of another request', () => ({ ...authorized(), base: authorized().base })],
    ['with a signature that is not of now', () => authorized({ createdAtMs: systemClock.nowMs() - 400_000 })],
    ['with another amount', () => authorized({ body: { ...payoutBody, amount: '4.00' } })],
    ['with another currency', () => authorized({ body: { ...payoutBody, currency: 'UGX' } })],
    ['with another network', () => authorized({ body: { ...payoutBody, network: 'mtn-ug' } })],
    ['with another payee', () => authorized({ body: { ...payoutBody, payee: { phone: '+46733129498' } } })],
    ['with another reference', () => authorized({ body: { ...payoutBody, reference: 'order-43' } })],
    ['with another description', () => authorized({ body: { ...payoutBody, description: 'wages' } })],
    ['with a member more', () => authorized({ body: { ...payoutBody, twice: true } })],
    ['with a signature over what is no base', () => ({ ...authorized(), base: 'x' })],
  ]
  for (const [name, authorization] of attacks) {
    test(name, async () => {
      await expectRefused(await world.payout({ sealed: { authorization: await authorization() } }))
    })
  }
  for (const state of ['revoked', 'unknown'] as const) {
    test(`with a key of which the custodian says: ${state}`, async () => {
      world.keyState = state
      await expectRefused(await world.payout({ sealed: { authorization: authorized() } }))
    })
  }
  test('with the word for an earlier payout, the same to the letter', async () => {
    const authorization = authorized()
    const first = await world.payout({ sealed: { authorization } })
    await world.dispatch(first)
    assert.equal(world.requests.length, 1)
    world.requests.length = 0
    await expectRefused(await world.payout({ sealed: { authorization } }))
  })
  test('with the word of a repetition that it provoked: signed anew under the same key, it is one order', async () => {
    const [once, again] = [authorized({ idempotencyKey: 'order-42' }), authorized({ idempotencyKey: 'order-42' })]
    assert.notEqual(once.base, again.base)
    const [first, second] = [await world.payout({ sealed: { authorization: once } }), await world.payout({ sealed: { authorization: again } })]
    await world.dispatch(first)
    assert.equal(world.requests.length, 1)
    world.requests.length = 0
    await expectRefused(second)
  })
  test('with the word of a repetition that was signed by the merchant\'s next key', async () => {
    const next = await world.addKey()
    const first = await world.payout({ sealed: { authorization: authorized({ idempotencyKey: 'order-43' }) } })
    await world.dispatch(first)
    assert.equal(world.requests.length, 1)
    world.requests.length = 0
    await expectRefused(await world.payout({ sealed: { authorization: authorized({ key: next, idempotencyKey: 'order-43' }) } }))
  })
  test('with another amount in columns and in seal', async () => {
    await expectRefused(await world.payout({ amountMinor: 900n, sealed: { authorization: authorized() } }))
  })
  test('with another payee in columns and in seal', async () => {
    await expectRefused(await world.payout({ phone: '+46733129498', sealed: { authorization: authorized() } }))
  })
  test('as a collection, whose columns say payout', async () => {
    await expectRefused(await world.payout({ sealed: { direction: 'collection' } }), 'id", "direction')
  })
})

describe('a refund', () => {
  test('that its merchant signed gives back that collection, and needs no number', async () => {
    const id = await refund(collection, authorized({ target: refundTarget(collection), body: refundBody }))
    await world.dispatch(id)
    const [request] = world.requests
    assert(request !== undefined)
    const [row] = await world.database.asAdmin('SELECT reference::text FROM ngome.attempts WHERE payment = $1', [collection])
    assert.deepEqual([request.direction, request.phone, request.original], ['refund', null, {
      reference: row?.['reference'], networkReference: 'n-1', money: { amountMinor: 100_000n, currency: 'EUR' },
    }])
    assert.equal(await world.settle(id), 'ended')
    assert.deepEqual(await world.stateOf(id), ['succeeded', null])
    assert.deepEqual((await world.eventsOf(id)).slice(1), ['refund.processing', 'refund.succeeded'])
  })
  test('that was redirected to another collection is not sent', async () => {
    const other = await world.collect()
    await expectRefused(await refund(other, authorized({ target: refundTarget(collection), body: refundBody })))
  })
  test('whose column names another collection than its seal is not sent', async () => {
    const other = await world.collect()
    const id = await world.merchant.accept({
      phone: '+46733123499', direction: 'refund', original: other,
      sealed: { original: collection as never, authorization: authorized({ target: refundTarget(collection), body: refundBody }) },
    })
    await expectRefused(id, 'original')
  })
  test('of a collection whose columns somebody changed is not sent', async () => {
    const bent = await world.collect()
    const id = await refund(bent, authorized({ target: refundTarget(bent), body: refundBody }))
    await world.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payments SET reference = 'other' WHERE id = '${bent}'`)
    await expectRefused(id, 'original')
  })
  test('of a collection that was taken back is not sent, and told as not allowed', async () => {
    const gone = await world.collect()
    const id = await refund(gone, authorized({ target: refundTarget(gone), body: refundBody }))
    await world.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payments SET status = 'reversed' WHERE id = '${gone}'`)
    await world.dispatch(id)
    assert.deepEqual(await world.stateOf(id), ['failed', 'not_allowed'])
    assert.deepEqual(world.requests, [])
  })
})

describe('a payout of which nobody knows', () => {
  test('is in doubt until the network says that it waits, and ends by its word', async () => {
    world.answers.request = { kind: 'unknown', reason: 'lost' }
    const id = await world.payout({ sealed: { authorization: authorized() } })
    await world.dispatch(id)
    assert.deepEqual(await world.stateOf(id), ['in_doubt', null])
    world.answers.enquiry = { kind: 'pending' }
    assert.equal(await world.settle(id), 'open')
    assert.deepEqual(await world.stateOf(id), ['processing', null])
    world.answers.enquiry = { kind: 'ambiguous', reason: 'x' }
    assert.equal(await world.settle(id), 'open')
    assert.deepEqual(await world.stateOf(id), ['in_doubt', null])
    world.answers.enquiry = { kind: 'failed', failure: 'payer_unknown', reason: 'x' }
    assert.equal(await world.settle(id), 'ended')
    assert.deepEqual(await world.stateOf(id), ['failed', 'payer_unknown'])
    assert.deepEqual((await world.eventsOf(id)).slice(1),
      ['payout.processing', 'payout.in_doubt', 'payout.processing', 'payout.in_doubt', 'payout.failed'])
  })
  test('and that is never found stays in doubt; a person is told once, and nothing is sent again', async () => {
    world.isIdempotent = false
    world.answers = { request: { kind: 'unknown', reason: 'lost' }, enquiry: { kind: 'not_found' } }
    const id = await world.payout({ sealed: { authorization: authorized() } })
    await world.dispatch(id)
    assert.equal(await world.settle(id), 'open')
    await world.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.attempts SET sent_at = sent_at - interval '2 hours' WHERE payment = '${id}'`)
    assert.equal(await world.settle(id), 'open')
    assert.equal(await world.settle(id), 'open')
    assert.deepEqual(await world.stateOf(id), ['in_doubt', null])
    assert.equal(world.requests.length, 1)
    assert.deepEqual((await world.eventsOf(id)).filter((type) => type === 'payment.stuck'), ['payment.stuck'])
  })
})
