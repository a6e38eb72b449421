import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { emit, type Authorization } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { approvePayout, type ApprovalOutcome, type ApprovalParty, type Database } from '@ngome/store'
import type { SealedPaymentOptions } from '@ngome/testkit'
import { authorize, OutgoingWorld, payoutBody, type OrderToSign, type SigningKey } from '../testing/outgoing-world.ts'
import { expireApprovals } from './expire-approvals.ts'

const from = { clock: systemClock, random: systemRandom }
const signal = new AbortController().signal
let world: OutgoingWorld
let gateway: Database
let maker: SigningKey
let second: SigningKey

before(async () => {
  world = await OutgoingWorld.create()
  gateway = world.database.open('ngome_gateway')
  maker = await world.addKey()
  second = await world.addKey()
  await world.collect('+46733123499', 100_000_000n)
})
after(() => world.close())
beforeEach(() => {
  world.requests.length = 0
  world.revoked.clear()
})

const order = { ...payoutBody, amount: '50.00' }
const seen = { amount: '50.00', currency: 'EUR', reference: 'order-42', payee: { phone: '+46•••498' } }
const party = (signingKey: ApprovalParty['signingKey']): ApprovalParty => {
  const apiKey = newId('apiKey', from)
  return { apiKey, keyLine: apiKey, signingKey }
}

/** A payout of fifty euros, where ten go out on one person's word. A gateway that lies says that others asked. */
const ordered = (more: Partial<SealedPaymentOptions> = {}): Promise<PaymentId> => world.payout({
  amountMinor: 5_000n, askedBy: party(newId('merchantSigningKey', from)), sealed: { authorization: authorize({ key: maker, target: '/v1/payouts', body: order }) }, ...more,
})
/** One that a gateway lets go out as if it were small. */
const unasked = (more: Partial<SealedPaymentOptions>): Promise<PaymentId> => world.payout(more)
const approval = (id: PaymentId, changes: Partial<OrderToSign> = {}): Authorization =>
  authorize({ key: second, target: `/v1/payouts/${id}/approve`, body: seen, ...changes })

/** Writes an approval as whoever holds the gateway can, in the name of any key. */
function approve(id: PaymentId, { key, ...proof }: Authorization, atMs = systemClock.nowMs()): Promise<ApprovalOutcome> {
  const { tenant } = world.merchant
  return approvePayout(gateway, tenant, {
    payment: id, answer: { ...party(key), decision: 'approved', proof }, atMs, prove: () => null,
    event: emit({ ...from, process: 'gateway' }, 'payout.approved', tenant, { payment: id, status: 'accepted' }),
  })
}

async function expectHeld(id: PaymentId): Promise<void> {
  await world.dispatch(id)
  assert.deepEqual(await world.stateOf(id), ['failed', 'record_refused'])
  assert.ok((await world.eventsOf(id)).includes('payment.mismatch ["approval"]'), 'an alarm')
  assert.deepEqual(world.requests, [])
}

describe('a payout over the limit', () => {
  test('goes out once, when another key than the one that ordered it has approved what was sealed', async () => {
    const id = await ordered()
    await world.dispatch(id)
    assert.deepEqual([await world.stateOf(id), world.requests.length], [['awaiting_approval', null], 0])
    await approve(id, approval(id))
    await world.dispatch(id)
    await world.dispatch(id)
    assert.deepEqual(world.requests.map(({ payment, money }) => [payment, money.amountMinor]), [[id, 5_000n]])
    assert.equal(await world.settle(id), 'ended')
    assert.deepEqual(await world.stateOf(id), ['succeeded', null])
  })

  test('may be approved without the number, by its masked form or none', async () => {
    const id = await ordered()
    const { payee: _payee, ...short } = seen
    await approve(id, approval(id, { body: short }))
    await world.dispatch(id)
    assert.equal(world.requests.length, 1)
  })

  test('is one above it and none at it', async () => {
    const at = await ordered({ amountMinor: 1_000n, sealed: { authorization: authorize({ key: maker, target: '/v1/payouts', body: { ...order, amount: '10.00' } }) } })
    await world.database.asAdmin(`UPDATE ngome.payments SET status = 'accepted' WHERE id = $1`, [at])
    await world.dispatch(at)
    assert.equal(world.requests.length, 1)
    world.requests.length = 0
    await expectHeld(await unasked({ amountMinor: 1_001n, sealed: { authorization: authorize({ key: maker, target: '/v1/payouts', body: { ...order, amount: '10.01' } }) } }))
  })

  test('is not sent by a key that was revoked since it approved', async () => {
    const id = await ordered()
    await approve(id, approval(id))
    world.revoked.add(second.id)
    await expectHeld(id)
  })
})

describe('a gateway that was taken over gets no payout over the limit out', () => {
  test('that it wrote as accepted', async () => {
    await expectHeld(await unasked({ amountMinor: 5_000n, sealed: { authorization: authorize({ key: maker, target: '/v1/payouts', body: order }) } }))
  })

  test('that it moved from waiting to accepted', async () => {
    const id = await ordered()
    await world.database.asAdmin(`UPDATE ngome.payments SET status = 'accepted' WHERE id = $1`, [id])
    await expectHeld(id)
  })

  const attacks: readonly (readonly [string, (id: PaymentId) => Authorization | Promise<Authorization>])[] = [
    ['with an approval that nobody signed', (id) => ({ ...approval(id), signature: Buffer.alloc(64).toString('base64') })],
    ['with a base that is none', (id) => ({ ...approval(id), base: 'x' })],
    ['with an approval by the key that ordered it', (id) => approval(id, { key: maker })],
    ['with an approval by the key that ordered it, in the name of the other', (id) => ({ ...approval(id, { key: maker }), key: second.id })],
    ['with an approval by the same key, stated under two names', async (id) => {
      const twin = await world.addKey(world.merchant.tenant, undefined, { privateKey: maker.privateKey, publicKey: createPublicKey(maker.privateKey) })
      return approval(id, { key: twin })
    }],
    ['with an approval by a key of its own', (id) => approval(id, { key: { ...second, privateKey: generateKeyPairSync('ed25519').privateKey } })],
    ['with an approval by a key in a row that the custodian did not state', async (id) => approval(id, {
      key: await world.addKey(world.merchant.tenant, generateKeyPairSync('ed25519').privateKey),
    })],
    ['with an approval by another merchant', async (id) => approval(id, { key: await world.addKey(world.other.tenant) })],
    ['with an approval of a smaller amount', (id) => approval(id, { body: { ...seen, amount: '5.00' } })],
    ['with an approval in another currency', (id) => approval(id, { body: { ...seen, currency: 'UGX' } })],
    ['with an approval of another reference', (id) => approval(id, { body: { ...seen, reference: 'order-43' } })],
    ['with an approval of another payee', (id) => approval(id, { body: { ...seen, payee: { phone: '+46•••499' } } })],
    ['with an approval that says more', (id) => approval(id, { body: { ...seen, twice: true } })],
    ['with an approval of nothing', (id) => approval(id, { body: {} })],
    ['with the refusal of it', (id) => approval(id, { target: `/v1/payouts/${id}/refuse` })],
    ['with an approval by another method', (id) => approval(id, { method: 'PUT' })],
    ['with an order by the other key', () => authorize({ key: second, target: '/v1/payouts', body: order })],
    ['with the body of another approval', (id) => ({ ...approval(id), body: JSON.stringify({ ...seen, amount: '50' }) })],
    ['with the approval of an earlier payout, the same to the letter', async () => {
      const earlier = await ordered()
      const given = approval(earlier)
      await approve(earlier, given)
      await world.dispatch(earlier)
      assert.equal(world.requests.splice(0).length, 1)
      return given
    }],
  ]
  for (const [what, forge] of attacks) {
    test(what, async () => {
      const id = await ordered()
      await approve(id, await forge(id))
      await expectHeld(id)
    })
  }

  for (const [what, offsetMs] of [['long before it was ordered', -3_000_000], ['after its time', 3_600_000 + 700_000]] as const) {
    test(`with an approval of ${what}`, async () => {
      const id = await ordered()
      const createdAtMs = systemClock.nowMs() + offsetMs
      await approve(id, approval(id, { createdAtMs }), createdAtMs)
      await expectHeld(id)
    })
  }

  test('by a seal of less than the order and the approval say', async () => {
    const id = await ordered({ amountMinor: 5_000n, sealed: { amount_minor: '500', authorization: authorize({ key: maker, target: '/v1/payouts', body: order }) } })
    await approve(id, approval(id))
    await world.dispatch(id)
    assert.ok((await world.eventsOf(id)).includes('payment.mismatch ["amount_minor"]'))
    assert.deepEqual(world.requests, [])
  })
})

describe('a payout that nobody approved in time', () => {
  const longAgo = (): number => systemClock.nowMs() - world.approvals.expiresAfterMs - 1_000

  test('fails, gives back what was reserved, and its merchant is told by a proof', async () => {
    const young = await ordered()
    const id = await ordered({ createdAtMs: longAgo(), eventSecret: world.dispatcher.callbacks.secret })
    await expireApprovals(world.dispatcher, signal)
    await expireApprovals(world.dispatcher, signal)
    assert.deepEqual([await world.stateOf(id), await world.stateOf(young)], [['failed', 'approval_expired'], ['awaiting_approval', null]])
    assert.deepEqual(await world.database.asAdmin('SELECT phase FROM ngome.transfers WHERE payment = $1 AND is_end', [id]), [{ phase: 'voided' }])
    assert.deepEqual(await world.database.asAdmin('SELECT type, proof IS NOT NULL AS proven FROM ngome.object_events WHERE object = $1 ORDER BY sequence', [id]),
      [{ type: 'payout.awaiting_approval', proven: true }, { type: 'payout.failed', proven: true }])
    assert.deepEqual((await world.eventsOf(id)).slice(1), ['payout.failed'])
    await world.dispatch(id)
    assert.deepEqual(world.requests, [])
  })

  test('or is approved in that moment: one of both comes first', async () => {
    for (let round = 0; round < 8; round++) {
      const id = await ordered({ createdAtMs: longAgo() })
      const [outcome] = await Promise.all([approve(id, approval(id)), expireApprovals(world.dispatcher, signal)])
      assert.deepEqual(await world.stateOf(id), outcome.kind === 'approved' ? ['accepted', null] : ['failed', 'approval_expired'])
    }
  })
})
