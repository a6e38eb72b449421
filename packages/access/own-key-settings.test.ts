import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { merchantKeyScopesDefault } from '@ngome/contracts'
import { keySettingsJson, parseKeySettings } from './key-settings.ts'
import { readOwnKeyRequest, type OwnKeyPolicy } from './own-key-settings.ts'

const nowMs = Date.parse('2026-11-23T00:00:00Z')
const dayMs = 86_400_000
const policy: OwnKeyPolicy = { scopes: merchantKeyScopesDefault, lifeMsMax: 365 * dayMs }
const good = { scopes: ['payments:read'] }

const refused: readonly (readonly [what: string, request: unknown, kind: string, field: string])[] = [
  ['nothing', undefined, 'invalid', '/'],
  ['no scopes', {}, 'invalid', '/scopes'],
  ['an empty list of scopes', { scopes: [] }, 'invalid', '/scopes'],
  ['a scope that there is not', { scopes: ['all'] }, 'invalid', '/scopes/0'],
  ['a scope beyond the policy', { scopes: ['payments:read', 'keys:write'] }, 'scope_refused', '/scopes/1'],
  ['an unknown field', { ...good, tenant: 'x' }, 'invalid', '/'],
  ['an end that is now', { ...good, expires_at: new Date(nowMs).toISOString() }, 'invalid', '/expires_at'],
  ['an end beyond the policy', { ...good, expires_at: new Date(nowMs + 365 * dayMs + 1).toISOString() }, 'invalid', '/expires_at'],
  ['an end that is no time', { ...good, expires_at: 'never' }, 'invalid', '/expires_at'],
  ['half a shilling', { ...good, caps: { amount_max: { UGX: '0.5' } } }, 'invalid', '/caps/amount_max/UGX'],
  ['an amount of nothing', { ...good, caps: { day_total_max: { KES: '0' } } }, 'invalid', '/caps/day_total_max/KES'],
  ['a currency that there is not', { ...good, caps: { currencies: ['UGX', 'QQQ'] } }, 'invalid', '/caps/currencies/1'],
  ['an address that is none', { ...good, allowed_addresses: ['192.0.2.7', 'office'] }, 'invalid', '/allowed_addresses/1'],
  ['a publishable key that reads', { ...good, kind: 'publishable' }, 'invalid', '/scopes'],
  ['a name of two lines', { ...good, name: 'a\nb' }, 'invalid', '/name'],
]
for (const [what, request, kind, field] of refused) {
  test(`${what} is refused, and where`, () => {
    const reading = readOwnKeyRequest(request, policy, nowMs)
    assert.deepEqual([reading.kind, 'field' in reading ? reading.field : undefined], [kind, field])
  })
}

test('whatever is read is canonical, within the policy, and read the same again', () => {
  const request = fc.record({
    scopes: fc.array(fc.constantFrom(...merchantKeyScopesDefault, 'keys:write'), { minLength: 1, maxLength: 4 }),
    name: fc.string({ maxLength: 12 }), kind: fc.constantFrom('secret', 'publishable'), must_sign: fc.boolean(),
    allowed_addresses: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 3 }),
    expires_at: fc.integer({ min: -dayMs, max: 400 * dayMs }).map((ms) => new Date(nowMs + ms).toISOString()),
    caps: fc.record({ amount_max: fc.dictionary(fc.constantFrom('UGX', 'KES', 'QQQ'), fc.constantFrom('1', '2.50', '0', '500000')) }, { requiredKeys: [] }),
  }, { requiredKeys: ['scopes'] })
  let count = 0
  fc.assert(fc.property(request, (one) => {
    const reading = readOwnKeyRequest(one, policy, nowMs)
    if (reading.kind !== 'settings') return
    count++
    const { settings } = reading
    assert.ok([...settings.scopes].every((scope) => policy.scopes.includes(scope)))
    assert.ok(settings.expiresAtMs !== null && settings.expiresAtMs > nowMs && settings.expiresAtMs <= nowMs + policy.lifeMsMax)
    assert.deepEqual(parseKeySettings(keySettingsJson(settings)), settings)
    assert.deepEqual(readOwnKeyRequest(structuredClone(one), policy, nowMs), reading)
  }), { numRuns: 300 })
  assert.ok(count > 10, `${count} of 300 were read`)
})
