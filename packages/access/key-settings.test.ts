import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { scopes, type ApiKeySettingsJson } from '@ngome/contracts'
import { currencyDigits, type ApiKeyId, type Currency } from '@ngome/kernel'
import fc from 'fast-check'
import { defaultKeySettings, keySettingsBytes, keySettingsJson, noCaps, parseKeySettings, successorSettings, type ApiKeySettings } from './key-settings.ts'

const currencies = fc.constantFrom(...Object.keys(currencyDigits) as Currency[])
const amounts = fc.uniqueArray(fc.tuple(currencies, fc.bigInt({ min: 1n, max: 10n ** 17n })), { selector: ([currency]) => currency, maxLength: 4 })
  .map((entries): ReadonlyMap<Currency, bigint> => new Map(entries))
const ranges = ['0.0.0.0/0', '10.0.0.0/8', '192.0.2.7/32', '::/0', '2001:db8::/32', '2001:db8::1/128']
const anySettings: fc.Arbitrary<ApiKeySettings> = fc.record({
  kind: fc.constant('secret' as const),
  scopes: fc.subarray([...scopes], { minLength: 1 }).map((list) => new Set(list)),
  allowedAddresses: fc.subarray(ranges),
  caps: fc.record({
    amountMax: amounts, dayTotalMax: amounts, currencies: fc.uniqueArray(currencies, { maxLength: 5 }).map((list) => new Set(list)),
    networks: fc.subarray(['mtn-ug', 'airtel-ug', 'mtn-sandbox']).map((list) => new Set(list)),
    dayTotalOf: fc.constantFrom(null, 'key_01k8z3f7q2e9d8m4n6p0r5s7tv' as ApiKeyId, 'key_01k8z3f7q2e9d8m4n6p0r5s7tw' as ApiKeyId),
  }),
  expiresAtMs: fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 })),
  rotateAfterS: fc.option(fc.integer({ min: 1, max: 1_000 })),
  mustSign: fc.boolean(),
  name: fc.constantFrom('', 'shop', 'Kampala till 3'),
})
const plain = (settings: ApiKeySettings): string => JSON.stringify(keySettingsJson(settings))

test('settings without a period and a total shared are signed as they were before there was either', () => {
  const bytes = keySettingsBytes({ ...defaultKeySettings(), scopes: new Set(['payments:read']), expiresAtMs: 1_800_000_000_000, name: 'shop' })
  assert.equal(createHash('sha256').update(bytes).digest('hex'), 'd2ee938739bcda145c74a6868371b326b8b8e5d8e2be2712a030670fc6e1adcf')
})

test('a successor counts towards the day of the first of its line, and a key without such a cap shares nothing', () => {
  const id = 'key_01k8z3f7q2e9d8m4n6p0r5s7tv' as ApiKeyId
  const settings = { ...defaultKeySettings(), caps: { ...noCaps, dayTotalMax: new Map<Currency, bigint>([['UGX', 5n]]) } }
  const second = successorSettings({ id, settings })
  const third = successorSettings({ id: 'key_01k8z3f7q2e9d8m4n6p0r5s7tw' as ApiKeyId, settings: second })
  assert.deepEqual([second.caps.dayTotalOf, third], [id, { ...settings, caps: { ...settings.caps, dayTotalOf: id } }])
  const plain: ApiKeySettings = { ...defaultKeySettings(), scopes: new Set(['payments:write']) }
  assert.deepEqual(successorSettings({ id, settings: plain }), plain)
  for (const scope of ['payouts:write', 'payouts:approve'] as const) {
    const deciding: ApiKeySettings = { ...plain, scopes: new Set([scope]) }
    assert.equal(successorSettings({ id, settings: deciding }).caps.dayTotalOf, id, 'a roll makes nobody another person')
  }
})

test('settings go to JSON and back, through a database that orders names as it likes', () => {
  fc.assert(fc.property(anySettings, (settings) => {
    const json = keySettingsJson(settings)
    const stored: unknown = JSON.parse(JSON.stringify({ ...json, caps: { ...json.caps, amountMax: reversed(json.caps.amountMax) } }))
    const back = parseKeySettings(stored)
    assert.ok(back)
    assert.equal(plain(back), plain(settings))
    assert.deepEqual(keySettingsBytes(back), keySettingsBytes(settings))
  }), { numRuns: 300 })
})

function reversed<T>(map: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).toReversed())
}

test('no two settings are signed as the same bytes', () => {
  fc.assert(fc.property(anySettings, anySettings, (one, other) => {
    assert.equal(Buffer.from(keySettingsBytes(one)).equals(keySettingsBytes(other)), plain(one) === plain(other))
  }), { numRuns: 300 })
})

const json = keySettingsJson(defaultKeySettings())
const refused: readonly (readonly [claim: string, given: unknown])[] = [
  ['nothing', null],
  ['a text', 'secret'],
  ['a field more', { ...json, isAdmin: true }],
  ['another kind', { ...json, kind: 'root' }],
  ['no scopes', { ...json, scopes: [] }],
  ['a scope that there is not', { ...json, scopes: ['payments:all'] }],
  ['scopes out of order', { ...json, scopes: ['payments:write', 'payments:read'] }],
  ['a scope twice', { ...json, scopes: ['payments:read', 'payments:read'] }],
  ['a publishable key that may pay', { ...json, kind: 'publishable', scopes: ['payments:write'] }],
  ['a publishable key that may read', { ...json, kind: 'publishable', scopes: ['vault:read', 'vault:seal'] }],
  ['an address that is a name', { ...json, allowedAddresses: ['localhost/32'] }],
  ['a range with bits behind its prefix', { ...json, allowedAddresses: ['10.0.0.1/8'] }],
  ['an address without a prefix', { ...json, allowedAddresses: ['10.0.0.1'] }],
  ['an IPv4 range that is written as IPv6', { ...json, allowedAddresses: ['::ffff:10.0.0.0/104'] }],
  ['IPv6 in its long form', { ...json, allowedAddresses: ['2001:0db8::/32'] }],
  ['a range twice', { ...json, allowedAddresses: ['10.0.0.0/8', '10.0.0.0/8'] }],
  ['ranges out of order', { ...json, allowedAddresses: ['2001:db8::/32', '10.0.0.0/8'] }],
  ['33 ranges', { ...json, allowedAddresses: Array.from({ length: 33 }, (_, at) => `10.0.0.${at}/32`).toSorted() }],
  ['an end that is not a time', { ...json, expiresAt: 'tomorrow' }],
  ['an end without milliseconds', { ...json, expiresAt: '2027-01-01T00:00:00Z' }],
  ['an end in another zone', { ...json, expiresAt: '2027-01-01T00:00:00.000+03:00' }],
  ['an end as a number', { ...json, expiresAt: 1_800_000_000_000 }],
  ['a period of nothing', { ...json, rotateAfterS: 0 }],
  ['a period of half a second', { ...json, rotateAfterS: 0.5 }],
  ['a period that is not there, said', { ...json, rotateAfterS: null }],
  ['a period longer than any policy', { ...json, rotateAfterS: 730 * 86_400 + 1 }],
  ['a demand that is neither yes nor no', { ...json, mustSign: 1 }],
  ['a name with a line break', { ...json, name: 'shop\nkey_0000 revoked' }],
  ['a name that writes backwards', { ...json, name: 'shop\u202e' }],
  ['a name of 101 characters', { ...json, name: 'x'.repeat(101) }],
  ...([
    ['a currency that there is not', { currencies: ['XXX'] }],
    ['an amount of nothing', { amountMax: { UGX: '0' } }],
    ['an amount below nothing', { amountMax: { UGX: '-1' } }],
    ['an amount with a leading zero', { amountMax: { UGX: '01' } }],
    ['an amount as a number', { amountMax: { UGX: 1 } }],
    ['an amount that 63 bits do not hold', { dayTotalMax: { UGX: '9'.repeat(19) } }],
    ['an amount in a currency that there is not', { dayTotalMax: { XXX: '1' } }],
    ['an amount for what every object has', JSON.parse('{"amountMax":{"__proto__":"1"}}') as object],
    ['the day\'s total of what is no key', { dayTotalOf: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv' }],
    ['the day\'s total of no key, said', { dayTotalOf: null }],
    ['a cap that there is not', { perHour: { UGX: '1' } }],
  ] as const).map(([claim, caps]) => [claim, { ...json, caps: { ...json.caps, ...caps } }] as const),
]
for (const [claim, given] of refused) {
  test(`refuses ${claim}`, () => assert.equal(parseKeySettings(given), undefined))
}

test('a publishable key may seal, and is what nobody needs to name', () => {
  const publishable = keySettingsJson(defaultKeySettings('publishable'))
  assert.deepEqual(publishable.scopes, ['vault:seal'])
  assert.equal(parseKeySettings(publishable)?.kind, 'publishable')
})

test('keys with the same scopes share one set, whoever asks', () => {
  const two = [0, 1].map(() => parseKeySettings(structuredClone<ApiKeySettingsJson>(json)))
  assert.ok(two[0])
  assert.equal(two[0].scopes, two[1]?.scopes)
})
