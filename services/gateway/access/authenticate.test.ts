import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { apiKeyVerifier, defaultKeySettings, newApiKey, type NewApiKey } from '@ngome/access'
import type { KeyKind } from '@ngome/contracts'
import { Fault, ManualClock, newId, Secret, systemClock, systemRandom, type ApiKeyId, type Tenant } from '@ngome/kernel'
import type { ApiKeyRow } from '@ngome/store'
import { fixedPeppers, manualLease, provenRow } from '../testing/proven-keys.ts'
import { ApiKeyCache } from './api-key-cache.ts'
import { Authenticator } from './authenticate.ts'
import type { ProvenApiKey } from './prove-api-key.ts'

const from = { clock: systemClock, random: systemRandom }
const nowMs = 1_800_000_000_000
const pepper = new Secret(systemRandom.bytes(32))

/** An authenticator whose database is a map that a test may change behind it. */
function world() {
  const stored = new Map<ApiKeyId, ProvenApiKey>()
  const cache = new ApiKeyCache(async (id) => stored.get(id))
  const lease = manualLease()
  const clock = new ManualClock(nowMs)
  const authenticator = new Authenticator({ peppers: fixedPeppers(new Map([[1, pepper]])), rows: cache, lease, clock })
  const issue = (kind: KeyKind = 'secret'): NewApiKey => {
    const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
    const key = newApiKey({ world: 'test', kind, ...from })
    const verifier = apiKeyVerifier(pepper, { ...key, tenant })
    stored.set(key.id, provenRow({ id: key.id, tenant, verifier, pepperVersion: 1, settings: defaultKeySettings(kind), isRevoked: false, isMerchantFrozen: false, isVaultPlaintextAllowed: true }))
    return key
  }
  const change = (key: NewApiKey, to: Partial<ApiKeyRow>): void => {
    const row = stored.get(key.id)
    assert.ok(row)
    stored.set(key.id, provenRow({ ...row, ...to }))
    cache.forget([{ apiKey: key.id, merchant: row.tenant.merchant }])
  }
  return { authenticator, clock, issue, change, lease, call: async (key: NewApiKey | string, connection: object) =>
    authenticator.authenticate(typeof key === 'string' ? key : header(key), connection) }
}

const header = (key: NewApiKey): string => key.text.expose((text) => `Bearer ${text}`)
const refused = (code: string) => (error: unknown): boolean => error instanceof Fault && error.code === code

test('what a connection proved is its own: each request on it is held to the key that it carries', async () => {
  const { issue, call } = world()
  const [one, other, connection] = [issue(), issue(), {}]
  assert.equal((await call(one, connection)).apiKey, one.id)
  assert.equal((await call(one, connection)).apiKey, one.id)
  assert.equal((await call(other, connection)).apiKey, other.id, 'another key is another caller')
  assert.equal((await call(one, connection)).apiKey, one.id)
})

const attacks: readonly (readonly [string, (header: string) => string])[] = [
  ['no key', () => ''],
  ['an empty key', () => 'Bearer '],
  ['another scheme', (text) => text.replace('Bearer', 'Basic')],
  ['the scheme in lower case', (text) => text.replace('Bearer', 'bearer')],
  ['a key with one character more', (text) => `${text}0`],
  ['a key cut short', (text) => text.slice(0, -1)],
  ['a key with another last character', (text) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0')],
  ['the id of the key alone', (text) => text.slice(0, 60)],
  ['the same key in upper case', (text) => `Bearer ${text.slice(7).toUpperCase()}`],
]

for (const [name, forge] of attacks) {
  test(`a connection that proved a key is not believed with ${name}`, async () => {
    const { issue, call } = world()
    const [key, connection] = [issue(), {}]
    await call(key, connection)
    await call(key, connection)
    await assert.rejects(call(forge(header(key)), connection), refused('access/unauthenticated'))
    assert.equal((await call(key, connection)).apiKey, key.id, 'the refused request proves and unproves nothing')
  })
}

test('a revocation, a freeze and another verifier undo what a connection proved', async () => {
  for (const [to, code] of [
    [{ isRevoked: true }, 'access/unauthenticated'],
    [{ isMerchantFrozen: true }, 'access/merchant_frozen'],
    [{ verifier: new Uint8Array(32) }, 'access/unauthenticated'],
    [{ pepperVersion: 2 }, 'access/unauthenticated'],
    [{ settings: { ...defaultKeySettings(), expiresAtMs: nowMs } }, 'access/unauthenticated'],
    [{ settings: defaultKeySettings('publishable') }, 'access/unauthenticated'],
  ] as const) {
    const { issue, change, call } = world()
    const [key, connection] = [issue(), {}]
    await call(key, connection)
    await call(key, connection)
    change(key, to)
    await assert.rejects(call(key, connection), refused(code), JSON.stringify(to))
    await assert.rejects(call(key, connection), refused(code), 'and stays so')
  }
})

test('a key ends in its moment, on a connection that proved it and on a new one, and looks like one that never was', async () => {
  const { issue, change, call, clock } = world()
  const [key, connection] = [issue(), {}]
  change(key, { settings: { ...defaultKeySettings(), expiresAtMs: nowMs + 1_000 } })
  clock.advance(999)
  for (let use = 0; use < 2; use++) assert.equal((await call(key, connection)).apiKey, key.id)
  clock.advance(1)
  const messages = new Set<string>()
  for (const on of [connection, {}]) {
    await assert.rejects(call(key, on), (error) => error instanceof Fault && refused('access/unauthenticated')(error) && messages.add(error.row.public).size === 1)
  }
})

test('a row is of the kind that its key says: a secret key in the row of a publishable one is nobody\'s, and the other way', async () => {
  for (const kind of ['secret', 'publishable'] as const) {
    const { issue, change, call } = world()
    const key = issue(kind)
    assert.equal((await call(key, {})).kind, kind)
    change(key, { settings: defaultKeySettings(kind === 'secret' ? 'publishable' : 'secret') })
    await assert.rejects(call(key, {}), refused('access/unauthenticated'))
  }
})

test('without the lease a connection that proved its key is refused as well', async () => {
  const { issue, call, lease } = world()
  const [key, connection] = [issue(), {}]
  await call(key, connection)
  lease.isHeld = false
  await assert.rejects(call(key, connection), refused('access/lease_lost'))
})

test('the key itself is not kept', async () => {
  const { issue, call, authenticator } = world()
  const [key, connection] = [issue(), {}]
  await call(key, connection)
  const seen = inspect({ authenticator, connection }, { depth: 9, showHidden: true })
  key.text.expose((text) => assert.equal(seen.includes(text.slice(40, 60)), false))
})
