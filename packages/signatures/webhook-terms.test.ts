import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { areWebhookTerms, proveWebhookTerms, type WebhookTerms } from './webhook-terms.ts'

const from = { clock: systemClock, random: systemRandom }
const secret = new Secret(systemRandom.bytes(32))
const merchant = newId('merchant', from)
const terms: WebhookTerms = {
  id: newId('webhookEndpoint', from), tenant: { merchant, world: 'live' }, url: 'https://shop.example/hooks', encryption: 'required', eventTypes: null,
}
const proof = proveWebhookTerms(secret, terms)

test('what was stated is proven', () => {
  assert.equal(areWebhookTerms(secret, { ...terms }, proof), true)
})

const changes: readonly (readonly [string, Partial<WebhookTerms>])[] = [
  ['in clear', { encryption: 'none' }],
  ['to another address', { url: 'https://thief.example/hooks' }],
  ['by another endpoint', { id: newId('webhookEndpoint', from) }],
  ['of another merchant', { tenant: { merchant: newId('merchant', from), world: 'live' } }],
  ['that is told of less', { eventTypes: ['payment.failed'] }],
  ['that is told of nothing', { eventTypes: [] }],
  ['of the other world', { tenant: { merchant, world: 'test' } }],
]
for (const [what, change] of changes) {
  test(`the same proof does not do for one ${what}`, () => {
    assert.equal(areWebhookTerms(secret, { ...terms, ...change }, proof), false)
  })
}

for (const [what, bytes] of [
  ['none', null], ['an empty one', new Uint8Array()], ['half of it', proof.slice(0, 16)], ['more than it', Buffer.concat([proof, proof])],
  ['one by another secret', proveWebhookTerms(new Secret(systemRandom.bytes(32)), terms)],
] as const) {
  test(`no proof: ${what}`, () => {
    assert.equal(areWebhookTerms(secret, terms, bytes), false)
  })
}

test('no two statements have the same proof, wherever one field ends and the next begins', () => {
  fc.assert(fc.property(fc.webUrl(), fc.webUrl(), (one, other) => {
    fc.pre(one !== other)
    assert.notDeepEqual(proveWebhookTerms(secret, { ...terms, url: one }), proveWebhookTerms(secret, { ...terms, url: other }))
  }), { numRuns: 50 })
  assert.notDeepEqual(
    proveWebhookTerms(secret, { ...terms, url: 'https://a.example/none', encryption: 'none' }),
    proveWebhookTerms(secret, { ...terms, url: 'https://a.example/nonenone', encryption: 'none' }))
})

test('what it is told of is proven, each type of it', () => {
  const choosing = { ...terms, eventTypes: ['payment.succeeded', 'payment.failed'] }
  const chosen = proveWebhookTerms(secret, choosing)
  assert.equal(areWebhookTerms(secret, choosing, chosen), true)
  for (const eventTypes of [null, [], ['payment.succeeded'], ['payment.succeededpayment.failed'], ['payment.failed', 'payment.succeeded']]) {
    assert.equal(areWebhookTerms(secret, { ...terms, eventTypes }, chosen), false)
  }
})
