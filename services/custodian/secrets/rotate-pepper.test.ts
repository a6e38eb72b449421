import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { apiKeyVerifier, defaultKeySettings, isProvenApiKey, newApiKey, signApiKey, type KeptApiKey } from '@ngome/access'
import type { CustodianRequest, CustodianResponse } from '@ngome/contracts'
import { ManualClock, newId, parseBase64Url, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import type { Settings } from '../custodian.ts'
import { workOnKeys } from '../key-life/work-on-keys.ts'
import { allAllowed, issueKey, rehashRequest, type IssuedKey } from '../testing/test-api-key.ts'
import { TestCustodian, testSettings, type Peer } from '../testing/test-custodian.ts'

const dayMs = 86_400_000
const refused = { code: 'custodian/refused' }
const secretsOf = ['api-pepper'] as const

type World = { test: TestCustodian; clock: ManualClock; tenant: Tenant; gateway: Peer; operator: Peer }

async function world(t: { after(fn: () => void): void }, settings: Partial<Settings> = {}): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const test = await TestCustodian.open({ clock, settings })
  t.after(() => test.remove())
  return { test, clock, tenant: await test.tenant(), gateway: await test.peer('gateway'), operator: await test.peer('operator') }
}

const rotate = ({ test, operator }: World, given: Partial<CustodianRequest<'/v1/rotate-secret'>> = {}) =>
  test.call(operator, '/v1/rotate-secret', { name: 'api-pepper', compromised: false, endAt: null, ...given })
const versions = async ({ test }: World) =>
  (await test.call(await test.peer('gateway'), '/v1/secret-versions', { names: [...secretsOf] })).versions.map(({ version }) => version)
const handedOut = async ({ test, gateway }: World) =>
  (await test.call(gateway, '/v1/secrets', { names: [...secretsOf] })).secrets
const rehash = async ({ test }: World, key: IssuedKey, given: object = {}) =>
  test.call(await test.peer('gateway'), '/v1/rehash-api-key', { ...rehashRequest(key), ...given })
const states = ({ test }: World) => test.db.prepare(
  `SELECT name, state FROM key_lives WHERE purpose = 'secret' AND name LIKE 'api-pepper/%' ORDER BY name`,
).all().map((row) => `${String(row['name'])} ${String(row['state'])}`)
// Enrolled anew: a certificate lives for a day.
const rotations = async ({ test }: World) => (await test.call(await test.peer('operator'), '/v1/rotations', {})).rotations
const progress = async (w: World) => (await rotations(w)).map(({ subject, state, done, total }) => `${subject} ${state} ${done}/${total}`)
const keptOf = ({ id, tenant }: IssuedKey, { verifier, pepperVersion }: CustodianResponse<'/v1/api-key-verifier'>): KeptApiKey =>
  ({ id, tenant, pepperVersion, verifier: parseBase64Url(verifier) ?? new Uint8Array(), settings: defaultKeySettings() })

/** Uses a key as a gateway does: rehashes it, keeps what comes, and shows that it was kept. */
async function use(w: World, key: IssuedKey): Promise<IssuedKey> {
  const { statement } = await rehash(w, key)
  if (statement === null) return key
  const kept = { ...key, statement }
  assert.deepEqual(await rehash(w, kept), { statement: null })
  return kept
}

test('a new pepper is for new keys; the old one stays for the others, and both are handed out', async (t) => {
  const w = await world(t)
  const old = await issueKey(w.test, w.tenant)
  const [before] = await handedOut(w)
  const { rotation } = await rotate(w)
  assert.deepEqual(await versions(w), [1, 2])
  const secrets = await handedOut(w)
  assert.deepEqual(secrets.map(({ version }) => version), [1, 2])
  assert.equal(secrets[0]?.value, before?.value)
  assert.notEqual(secrets[1]?.value, before?.value)
  assert.deepEqual([old.statement.pepperVersion, (await issueKey(w.test, w.tenant)).statement.pepperVersion], [1, 2])
  assert.deepEqual(states(w), ['api-pepper/v1 decrypt-only', 'api-pepper/v2 active'])
  const [row] = await rotations(w)
  assert.deepEqual([row?.id, row?.level, row?.cause, row?.endsAt], [
    rotation, 'secret', 'demand', new Date(w.clock.nowMs() + testSettings.keyPolicy.pepperKeptMs).toISOString(),
  ])
})

test('a key that is used moves to the newest pepper; when all have, the old one is destroyed', async (t) => {
  const w = await world(t)
  const keys = [await issueKey(w.test, w.tenant), await issueKey(w.test, w.tenant)] as const
  await rotate(w)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await progress(w), ['api-pepper/v1 api-pepper/v2 running 0/2'])
  const kept = await use(w, keys[0])
  const { value: pepper } = await w.test.custodian.secrets.newest('api-pepper')
  assert.equal(kept.statement.verifier, toBase64Url(apiKeyVerifier(pepper, keys[0])))
  const proof = parseBase64Url(kept.statement.proof) ?? new Uint8Array()
  assert.equal(isProvenApiKey(keptOf(kept, kept.statement), proof, w.test.custodian.statementKey.publicKey), true)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await progress(w), ['api-pepper/v1 api-pepper/v2 running 1/2'])
  assert.deepEqual(await versions(w), [1, 2])
  await use(w, keys[1])
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await progress(w), ['api-pepper/v1 api-pepper/v2 done 2/2'])
  assert.deepEqual(states(w), ['api-pepper/v1 destroyed', 'api-pepper/v2 active'])
  assert.deepEqual((await handedOut(w)).map(({ version }) => version), [2])
  assert.equal(w.test.db.prepare(`SELECT count(*) AS count FROM wrapped_keys WHERE name = 'api-pepper/v1'`).get()?.['count'], 0)
  assert.equal((await rotations(w))[0]?.endsAt, null)
})

test('a rehash that nobody wrote down does not count: the old pepper stays, and the next use gets the same answer', async (t) => {
  const w = await world(t)
  const key = await issueKey(w.test, w.tenant)
  await rotate(w)
  const first = await rehash(w, key)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await versions(w), [1, 2])
  await w.test.reopen()
  assert.deepEqual(await rehash(w, key), first)
  await use(w, key)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await versions(w), [2])
})

test('two gateways that rehash one key at once get the same, and either may write it', async (t) => {
  const w = await world(t)
  const key = await issueKey(w.test, w.tenant)
  await rotate(w)
  const other = await w.test.peer('gateway')
  const answers = await Promise.all([rehash(w, key), w.test.call(other, '/v1/rehash-api-key', rehashRequest(key))])
  assert.deepEqual(answers[0], answers[1])
})

test('an old statement that is shown again rolls nothing back', async (t) => {
  const w = await world(t)
  const key = await issueKey(w.test, w.tenant)
  await rotate(w)
  const kept = await use(w, key)
  // Whoever puts the old row back has the same key under the old pepper, until that is gone; the count stays.
  assert.equal((await rehash(w, key)).statement?.pepperVersion, 2)
  assert.equal(w.test.db.prepare('SELECT version FROM api_keys WHERE key = ?').get(key.id)?.['version'], 2)
  await workOnKeys(w.test.custodian)
  await assert.rejects(rehash(w, key), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'secret_version_unknown')
  assert.deepEqual(await rehash(w, kept), { statement: null })
  for (const sql of ['UPDATE api_keys SET version = 1', 'DELETE FROM api_keys']) assert.throws(() => w.test.db.exec(sql), /API key/)
})

const attacks: readonly (readonly [claim: string, reason: string, given: (w: World, key: IssuedKey) => object | Promise<object>])[] = [
  ['a planted verifier', 'api_key_unproven', () => ({ verifier: toBase64Url(systemRandom.bytes(32)) })],
  ['a row of a thief\'s own making, signed with his own key', 'api_key_unproven', ({ test }, key) => {
    const digest = newApiKey({ world: 'test', clock: test.clock, random: systemRandom }).digest
    const kept = { ...keptOf(key, key.statement), verifier: systemRandom.bytes(32) }
    return {
      digest: toBase64Url(digest), verifier: toBase64Url(kept.verifier),
      proof: toBase64Url(signApiKey(kept, generateKeyPairSync('ed25519').privateKey)),
    }
  }],
  ['settings that were not signed', 'api_key_unproven', () => ({ settings: { ...allAllowed, mustSign: true } })],
  ['settings that can be written in two ways', 'request_invalid', () => ({ settings: { ...allAllowed, allowedAddresses: ['10.0.0.1/8'] } })],
  ['a row copied to another id', 'api_key_unproven', ({ clock }) => ({ key: newId('apiKey', { clock, random: systemRandom }) })],
  ['a row copied to another merchant', 'api_key_unproven', ({ test }) => test.tenant()],
  ['a row copied to the other world', 'api_key_unproven', () => ({ world: 'live' })],
  ['a version that was not signed', 'api_key_unproven', () => ({ pepperVersion: 2 })],
  ['a version that never was', 'api_key_unproven', () => ({ pepperVersion: 9 })],
  ['an old statement under a newer number', 'api_key_unproven', async (w, key) => ({ ...(await rehash(w, key)).statement, pepperVersion: 1 })],
  ['a digest of another key', 'api_key_not_shown', () => ({ digest: toBase64Url(systemRandom.bytes(32)) })],
  ['a digest that is none', 'request_invalid', () => ({ digest: 'AAAA' })],
  ['no proof', 'api_key_unproven', () => ({ proof: 'AAAA' })],
  ['what is no base64url', 'request_invalid', () => ({ proof: 'A' })],
]
for (const [claim, reason, given] of attacks) {
  test(`a rehash of ${claim} is refused, and changes nothing`, async (t) => {
    const w = await world(t)
    const key = await issueKey(w.test, w.tenant)
    await rotate(w)
    await assert.rejects(rehash(w, key, await given(w, key)), refused)
    assert.equal(w.test.lastLog(1)[0]?.['reason'], reason)
    assert.equal(w.test.db.prepare('SELECT version FROM api_keys WHERE key = ?').get(key.id)?.['version'], 1)
  })
}

test('a rehash for a merchant whose keys were all destroyed is refused, and its keys hold no pepper back', async (t) => {
  const w = await world(t)
  const key = await issueKey(w.test, w.tenant)
  await rotate(w)
  w.test.db.prepare('INSERT INTO ended_tenants (merchant, world, ended_at_ms) VALUES (?, ?, 0)').run(w.tenant.merchant, w.tenant.world)
  await assert.rejects(rehash(w, key), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'tenant_unknown')
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await versions(w), [2])
})

test('the pepper is replaced when it is too old, and unused keys end when the old one was kept for long enough', async (t) => {
  const w = await world(t, { keyPolicy: { ...testSettings.keyPolicy, rootAgeMsMax: 9_999 * dayMs, pepperAgeMsMax: 10 * dayMs, pepperKeptMs: 15 * dayMs } })
  const key = await issueKey(w.test, w.tenant)
  w.clock.advance(10 * dayMs - 1)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await versions(w), [1])
  w.clock.advance(1)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await versions(w), [1, 2])
  assert.equal((await rotations(w))[0]?.cause, 'policy')
  w.clock.advance(10 * dayMs)
  await workOnKeys(w.test.custodian)
  await workOnKeys(w.test.custodian)
  // The second had no key of its own, and went at once; the first still has one.
  assert.deepEqual(states(w), ['api-pepper/v1 decrypt-only', 'api-pepper/v2 destroyed', 'api-pepper/v3 active'])
  w.clock.advance(5 * dayMs)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(states(w).slice(0, 1), ['api-pepper/v1 destroyed'])
  assert.match(String(w.test.lastLog(1)[0]?.['subject']), /^api-pepper\/v1 uses=1$/)
  await assert.rejects(rehash(w, key), refused)
  assert.ok((await progress(w)).includes('api-pepper/v1 api-pepper/v2 done 0/1'))
})

test('where others know the pepper, its end can be nearer, for all that are older too', async (t) => {
  const w = await world(t)
  await issueKey(w.test, w.tenant)
  await rotate(w)
  await issueKey(w.test, w.tenant)
  await rotate(w, { compromised: true, endAt: new Date(w.clock.nowMs() + dayMs).toISOString() })
  assert.deepEqual(states(w), ['api-pepper/v1 decrypt-only', 'api-pepper/v2 compromised', 'api-pepper/v3 active'])
  w.clock.advance(dayMs)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(states(w), ['api-pepper/v1 destroyed', 'api-pepper/v2 destroyed', 'api-pepper/v3 active'])
})

test('of two rotations at once one is refused, and a key is not made under the pepper that it replaced', async (t) => {
  const w = await world(t)
  const { id, digest } = newApiKey({ world: 'test', clock: w.clock, random: systemRandom })
  const results = await Promise.allSettled([
    rotate(w), rotate(w), w.test.call(w.operator, '/v1/api-key-verifier', { ...w.tenant, key: id, digest: toBase64Url(digest), settings: allAllowed }),
  ])
  assert.deepEqual(results.slice(0, 2).map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  const made = w.test.db.prepare('SELECT version FROM api_keys').all().map((row) => row['version'])
  await workOnKeys(w.test.custodian)
  // Whichever came first: no key hangs on a pepper that is gone.
  const alive = await versions(w)
  for (const version of made) assert.ok(alive.includes(Number(version)))
  assert.deepEqual(alive, made.includes(1) ? [1, 2] : [2])
})

test('a version that a twin ended is let go of, and is ended once', async (t) => {
  const w = await world(t)
  const key = await issueKey(w.test, w.tenant)
  await rotate(w)
  assert.equal((await w.test.custodian.secrets.alive('api-pepper')).length, 2)
  await use(w, key)
  await Promise.all([workOnKeys(w.test.custodian), workOnKeys(w.test.custodian)])
  assert.equal((await w.test.custodian.secrets.alive('api-pepper')).length, 1)
  assert.equal(w.test.db.prepare(`SELECT count(*) AS count FROM log WHERE operation = 'end-secret'`).get()?.['count'], 1)
})

test('which versions there are is for those who may hold the secret', async (t) => {
  const w = await world(t)
  await assert.rejects(w.test.call(await w.test.peer('dispatcher'), '/v1/secret-versions', { names: ['callback', 'api-pepper'] }), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'secret_not_permitted')
})

test('the inventory says when the pepper is replaced', async (t) => {
  const w = await world(t)
  const { keys } = await w.test.call(w.operator, '/v1/key-inventory', { after: { purpose: 'secret', name: '' } })
  const next = Object.fromEntries(keys.map(({ name, nextRotationAt }) => [name, nextRotationAt]))
  assert.equal(next['api-pepper/v1'], new Date(w.clock.nowMs() + testSettings.keyPolicy.pepperAgeMsMax).toISOString())
  assert.equal(next['callback/v1'], null)
})
