import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lengthPrefixed, newId, parseBase64Url, Secret, systemClock, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { callbackToken, parseCallbackToken } from './mod.ts'

const from = { clock: systemClock, random: systemRandom }
const secret = new Secret(systemRandom.bytes(32))
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const payment = newId('payment', from)
const token = callbackToken(secret, tenant, payment)

/** What somebody who had stolen the secret could make, to see that the inside is checked as well. */
function sealed(...fields: readonly string[]): string {
  const subject = lengthPrefixed(...fields)
  const mac = secret.expose((key) => createHmac('sha256', key).update('ngome/callback/v1').update(subject).digest())
  return toBase64Url(Buffer.concat([subject, mac]))
}

test('says whose payment it is', () => {
  assert.deepEqual(parseCallbackToken(secret, token), { tenant, payment })
  assert.equal(sealed(tenant.merchant, tenant.world, payment), token)
})
test('is of a payout and of a refund as well', () => {
  for (const kind of ['payout', 'refund'] as const) {
    const id = newId(kind, from)
    assert.deepEqual(parseCallbackToken(secret, callbackToken(secret, tenant, id)), { tenant, payment: id })
  }
})
test('fits an address', () => { assert.match(token, /^[A-Za-z0-9_-]{144}$/) })

describe('refuses', () => {
  const cases: readonly [string, string][] = [
    ['nothing', ''],
    ['a token cut short', token.slice(0, -1)],
    ['a token without its MAC', toBase64Url(lengthPrefixed(tenant.merchant, tenant.world, payment))],
    ['a MAC alone', toBase64Url(new Uint8Array(32))],
    ['padding', `${token}=`],
    ['characters outside base64url', token.replace(/^./, '+')],
    ['a text longer than any token', 'A'.repeat(4096)],
    ['another world, sealed by us', sealed(tenant.merchant, 'mars', payment)],
    ['another kind of id, sealed by us', sealed(tenant.merchant, 'test', tenant.merchant)],
    ['a merchant that is none, sealed by us', sealed('mer_1', 'test', payment)],
    ['a field too many, sealed by us', sealed(tenant.merchant, 'test', payment, '')],
    ['a field too few, sealed by us', sealed(tenant.merchant, 'test')],
  ]
  for (const [name, text] of cases) test(name, () => { assert.equal(parseCallbackToken(secret, text), undefined) })

  test('another secret', () => { assert.equal(parseCallbackToken(new Secret(systemRandom.bytes(32)), token), undefined) })
  test('any flipped bit', () => {
    const bytes = parseBase64Url(token) ?? new Uint8Array()
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes, (byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      assert.equal(parseCallbackToken(secret, toBase64Url(flipped)), undefined)
    }
  })
  test('any other text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => { assert.equal(parseCallbackToken(secret, text), undefined) }))
  })
})
