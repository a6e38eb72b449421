import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId, parseId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { eventBody, eventIdOf, eventView, firstEvent, isProvenEvent, proveEvent, proveNextEvent, type ObjectEvent } from './object-event.ts'

const from = { clock: systemClock, random: systemRandom }
const secret = new Secret(systemRandom.bytes(32))
const tenant = { merchant: newId('merchant', from), world: 'test' } as const
const movement = {
  id: newId('payment', from), direction: 'collection', network: 'mtn-sandbox', currency: 'UGX', amountMinor: 500n, feeMinor: 10n, reference: 'order-42',
  payerMasked: '+256•••456', original: null, createdAtMs: 1_800_000_000_000,
} as const
const accepted = firstEvent({ ...movement, tenant, status: 'accepted' })
const failed: ObjectEvent = {
  id: eventIdOf(tenant, movement.id, 2, 1_800_000_001_000), tenant, sequence: 2, atMs: 1_800_000_001_000, kind: 'movement', type: 'payment.failed',
  movement, facts: { status: 'failed', failure: 'payer_refused' },
}
const endpoint: ObjectEvent = {
  id: newId('event', from), tenant, sequence: 1, atMs: 1_800_000_000_000, kind: 'endpoint', type: 'webhook_endpoint.disabled', endpoint: newId('webhookEndpoint', from),
  facts: { url: 'https://shop.example/', failing_since: null, disabled_at: '2027-01-15T08:00:00.000Z', disabled_because: 'gone' },
}

describe('an event', () => {
  test('says what happened, when, in which order and to what, as it was then', () => {
    const { id, type, timestamp, sequence, data } = eventView(failed)
    assert.deepEqual([id, type, timestamp, sequence], [failed.id, 'payment.failed', '2027-01-15T08:00:01.000Z', 2])
    assert(data.object === 'payment')
    assert.deepEqual([data.amount, data.failure, data.payer, data.updated_at], ['500', { code: 'payer_refused' }, { phone: '+256•••456' }, timestamp])
    assert.equal(eventView(endpoint).data.object, 'webhook_endpoint')
  })
  test('is the same bytes each time', () => assert.deepEqual(eventBody(failed), eventBody({ ...failed })))
  test('has an id that follows from what it is the event of, and that is one', () => {
    assert.equal(parseId('event', accepted.id), accepted.id)
    assert.equal(eventIdOf(tenant, movement.id, 1, movement.createdAtMs), accepted.id)
    const others = [
      eventIdOf(tenant, movement.id, 2, movement.createdAtMs), eventIdOf({ ...tenant, world: 'live' }, movement.id, 1, movement.createdAtMs),
      eventIdOf(tenant, newId('payment', from), 1, movement.createdAtMs),
    ]
    assert.equal(new Set([accepted.id, ...others]).size, 4)
  })
  test('holds nothing that the API does not show: rows that are no payment do not pass', () => {
    assert.throws(() => eventView({ ...failed, facts: { status: 'paid' as 'failed', failure: null } }))
  })
})

describe('the proof of an event', () => {
  const proof = proveEvent(secret, failed)
  test('holds for it', () => assert.equal(isProvenEvent(secret, failed, proof), true))
  const changed: readonly (readonly [string, object])[] = [
    ['another amount', { movement: { ...movement, amountMinor: 5_000_000n } }], ['another payer', { movement: { ...movement, payerMasked: '+256•••457' } }],
    ['another fee', { movement: { ...movement, feeMinor: 0n } }], ['another payment', { movement: { ...movement, id: newId('payment', from) } }], ['another reference', { movement: { ...movement, reference: 'order-43' } }],
    ['another end', { type: 'payment.succeeded', facts: { status: 'succeeded', failure: null } }], ['another sequence', { sequence: 3 }],
    ['another time', { atMs: failed.atMs + 1 }], ['another id', { id: newId('event', from) }],
    ['another merchant', { tenant: { ...tenant, merchant: newId('merchant', from) } }], ['the other world', { tenant: { ...tenant, world: 'live' } }],
    ['a status that is none', { facts: { status: 'paid', failure: null } }], ['an amount that is none', { movement: { ...movement, amountMinor: -1n } }],
  ]
  for (const [what, change] of changed) {
    test(`does not hold for one of ${what}`, () => assert.equal(isProvenEvent(secret, { ...failed, ...change }, proof), false))
  }
  test('is not made without the secret, and none is none', () => {
    assert.equal(isProvenEvent(new Secret(systemRandom.bytes(32)), failed, proof), false)
    for (const none of [null, new Uint8Array(), proof.slice(1)]) assert.equal(isProvenEvent(secret, failed, none), false)
  })
  test('of the next is made where the one before it holds, and nowhere else', () => {
    const before = { event: accepted, proof: proveEvent(secret, accepted) }
    assert.deepEqual(proveNextEvent(secret, failed, before), proof)
    for (const previous of [null, { ...before, proof: null }, { ...before, event: { ...accepted, sequence: 2 } }]) assert.equal(proveNextEvent(secret, failed, previous), null)
  })
})
