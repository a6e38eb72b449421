import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { compactDecrypt } from 'jose'
import type { ApiKeyView } from '@ngome/contracts'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { ownApiKeysMax } from '@ngome/store'
import { digestOf, signRaw, type Answer, type SignedRequest } from '@ngome/testkit'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { apiKeyView } from './api-key-view.ts'

type Made = ApiKeyView & { readonly secret: string | null; readonly secret_status: string; readonly old_key?: string; readonly old_key_works_until?: string }

let gateway: TestGateway
let merchant: TestMerchant
const pair = generateKeyPairSync('ed25519')
let keyId: string
before(async () => {
  gateway = await TestGateway.start()
  merchant = await gateway.addMerchant()
  keyId = await gateway.addSigningKey(merchant, pair.publicKey)
})
after(() => gateway.close())

let serial = 0
const wanted = { name: 'shop', scopes: ['payments:read'] }
function request(path: string, body?: object, idempotencyKey = `k-${++serial}`): SignedRequest {
  const text = body === undefined ? '' : JSON.stringify(body)
  return {
    method: 'POST', target: path, host: 'localhost', body: text,
    headers: text === '' ? {} : { 'content-digest': digestOf(text), 'idempotency-key': idempotencyKey, 'content-type': 'application/json' },
  }
}
function signed(of: SignedRequest, by: { readonly keyId: string; readonly privateKey: KeyObject } = { keyId, privateKey: pair.privateKey }): SignedRequest {
  return signRaw(of, { keyId: by.keyId, createdS: Math.floor(systemClock.nowMs() / 1_000), sign: (base) => sign(null, base, by.privateKey) })
}
function send({ method, target, host, body, headers }: SignedRequest, as: Pick<TestMerchant, 'client'> = merchant): Promise<Answer> {
  return as.client.call({ method: method as 'POST', path: target, headers: { host, ...headers }, ...body === '' ? {} : { text: body } })
}
const madeIn = (answer: Answer, status = 201): Made => {
  assert.equal(answer.status, status, answer.text)
  return JSON.parse(answer.text) as Made
}
const create = async (body: object = wanted): Promise<Made & { readonly secret: string }> => {
  const made = madeIn(await send(signed(request('/v1/api_keys', body))))
  assert.ok(made.secret !== null)
  return { ...made, secret: made.secret }
}
function assertCode(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(problemIn(answer).code, code)
}
const eventsOf = (key: string) => gateway.database.asAdmin(`SELECT type, data FROM ngome.events WHERE data->>'key' = $1 ORDER BY at, id`, [key])

test('a key is made by a signed request, works, and does what was asked for and no more', async () => {
  const made = await create({ ...wanted, caps: { amount_max: { UGX: '500000' } }, allowed_addresses: ['127.0.0.1'] })
  assert.match(made.secret, /^ngome_sk_test_/)
  assert.ok(made.secret.startsWith(made.prefix.slice(0, -1)))
  assert.deepEqual([made.scopes, made.caps.amount_max, made.allowed_addresses, made.secret_status], [['payments:read'], { UGX: '500000' }, ['127.0.0.1/32'], 'shown'])
  const client = gateway.client(made.secret)
  assert.equal((await client.call({ path: '/v1/payments' })).status, 200)
  assertCode(await client.call({ path: '/v1/api_keys' }), 403, 'access/scope_missing')
  assert.deepEqual(await eventsOf(made.id), [{ type: 'api_key.issued', data: { key: made.id, asked_with: merchant.keyId, signed_with: keyId } }])
})

test('a repeated request gets the key described and never its text, whoever reads the database', async () => {
  const first = madeIn(await send(signed(request('/v1/api_keys', wanted, 'again'))))
  const again = await send(signed(request('/v1/api_keys', wanted, 'again')))
  assert.equal(again.headers['idempotent-replayed'], 'true')
  assert.deepEqual(madeIn(again), { ...first, secret: null, secret_status: 'shown_before' })
  const rows = await gateway.database.asAdmin('SELECT body FROM ngome.idempotency WHERE body LIKE $1', [`%${first.secret?.slice(50) ?? ''}%`])
  assert.equal(rows.length, 0)
  assertCode(await send(signed(request('/v1/api_keys', { ...wanted, name: 'other' }, 'again'))), 422, 'idempotency/key_reused')
})

test('a key that is rolled works until its end beside its successor, which may do exactly the same', async () => {
  const old = await create({ ...wanted, must_sign: false, allowed_addresses: ['127.0.0.1'] })
  const answer = await send(signed(request(`/v1/api_keys/${old.id}/roll`, { expires_in: 2 })))
  const rolled = madeIn(answer)
  assert.deepEqual([rolled.old_key, rolled.allowed_addresses, rolled.scopes, rolled.name], [old.id, old.allowed_addresses, old.scopes, old.name])
  const [client, successor] = [gateway.client(old.secret), gateway.client(rolled.secret ?? '')]
  assert.equal((await successor.call({ path: '/v1/payments' })).status, 200)
  assert.equal((await client.call({ path: '/v1/payments' })).status, 200)
  while (systemClock.nowMs() < Date.parse(rolled.old_key_works_until ?? '')) await new Promise((resolve) => setTimeout(resolve, 50))
  let last = await client.call({ path: '/v1/payments' })
  const until = systemClock.nowMs() + 3_000
  while (last.status === 200 && systemClock.nowMs() < until) last = await client.call({ path: '/v1/payments' })
  assert.equal(last.status, 401)
  assert.equal((await successor.call({ path: '/v1/payments' })).status, 200)
  const [, event] = await eventsOf(old.id)
  assert.deepEqual(event, { type: 'api_key.rolled', data: { key: old.id, successor: rolled.id, ends_at: rolled.old_key_works_until, asked_with: merchant.keyId, signed_with: keyId } })
  assertCode(await send(signed(request(`/v1/api_keys/${old.id}/roll`, {}))), 409, 'keys/not_rollable')
})

test('a key and those that it was rolled into have one day\'s total between them, however many pay at once', async () => {
  const first = await create({ scopes: ['payments:write'], caps: { day_total_max: { EUR: '20.00' } } })
  const roll = async (id: string): Promise<Made> => madeIn(await send(signed(request(`/v1/api_keys/${id}/roll`, {}))))
  const second = await roll(first.id)
  const line = [first, second, await roll(second.id)].map(({ secret }) => gateway.client(secret ?? ''))
  const pay = (amount: string, at: number): Promise<Answer> => (line[at % line.length] ?? assert.fail()).call({
    method: 'POST', path: '/v1/payments', idempotencyKey: `line-${++serial}`,
    body: { amount, currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' },
  })
  const answers = await Promise.all(Array.from({ length: 36 }, (_, at) => pay('1.50', at)))
  assert.equal(answers.filter((answer) => answer.status === 201).length, 13, JSON.stringify(answers.map((answer) => answer.status)))
  for (const at of [0, 1, 2]) assertCode(await pay('1.50', at), 403, 'access/cap_exceeded')
  assert.equal((await pay('0.50', 2)).status, 201)
  const rows = await gateway.database.asAdmin(`SELECT api_key, total_minor::int AS total FROM ngome.api_key_days WHERE merchant = $1`, [merchant.tenant.merchant])
  assert.deepEqual(rows, [{ api_key: first.id, total: 2_000 }])
  // Out of another total: a key that was made, not rolled.
  const other = gateway.client((await create({ scopes: ['payments:write'], caps: { day_total_max: { EUR: '20.00' } } })).secret)
  line.push(other)
  assert.equal((await pay('20.00', 3)).status, 201)
})

test('a key is revoked at once by a signed request, again is the same, and itself needs no signature', async () => {
  const [one, leaked] = [await create(), await create({ ...wanted, must_sign: true })]
  const path = `/v1/api_keys/${one.id}/revoke`
  assertCode(await send(request(path)), 401, 'access/signature_required')
  for (let times = 0; times < 2; times++) assert.equal(madeIn(await send(signed(request(path))), 200).state, 'revoked')
  assert.equal((await eventsOf(one.id)).filter(({ type }) => type === 'api_key.revoked').length, 1)
  const itself = gateway.client(leaked.secret)
  assertCode(await itself.call({ path: '/v1/payments' }), 401, 'access/signature_required')
  assertCode(await itself.call({ method: 'POST', path: '/v1/api_keys/self/revoke', body: {} }), 422, 'request/invalid')
  assert.equal(madeIn(await itself.call({ method: 'POST', path: '/v1/api_keys/self/revoke' }), 200).state, 'revoked')
  const until = systemClock.nowMs() + 3_000
  for (const client of [itself, gateway.client(one.secret)]) {
    let answer = await client.call({ method: 'POST', path: '/v1/api_keys/self/revoke' })
    while (answer.status === 200 && systemClock.nowMs() < until) answer = await client.call({ method: 'POST', path: '/v1/api_keys/self/revoke' })
    assert.equal(answer.status, 401)
  }
})

test('a publishable key, which everybody has, ends nothing', async () => {
  const publishable = await gateway.issueKey(merchant.tenant, { kind: 'publishable' })
  assertCode(await publishable.client.call({ method: 'POST', path: '/v1/api_keys/self/revoke' }), 403, 'access/scope_missing')
})

suite('nothing is asked of the custodian, and nothing changes, for', () => {
  const refused: readonly (readonly [what: string, code: string, status: number, make: () => SignedRequest | Promise<SignedRequest>])[] = [
    ['an unsigned request for a key', 'access/signature_required', 401, () => {
      const { 'content-digest': _digest, ...headers } = request('/v1/api_keys', wanted).headers
      return { ...request('/v1/api_keys', wanted), headers }
    }],
    ['one that another merchant\'s key signed', 'access/signature_refused', 401, async () => {
      const other = generateKeyPairSync('ed25519')
      return signed(request('/v1/api_keys', wanted), { keyId: await gateway.addSigningKey(await gateway.addMerchant(), other.publicKey), privateKey: other.privateKey })
    }],
    ['one whose signing key was revoked', 'access/signature_refused', 401, async () => {
      const other = generateKeyPairSync('ed25519')
      const id = await gateway.addSigningKey(merchant, other.publicKey)
      await gateway.revokeSigningKey(merchant, id)
      return signed(request('/v1/api_keys', wanted), { keyId: id, privateKey: other.privateKey })
    }],
    ['a scope that the operator gives', 'keys/scope_refused', 403, () => signed(request('/v1/api_keys', { scopes: ['keys:write'] }))],
    ['a field that there is not', 'request/invalid', 422, () => signed(request('/v1/api_keys', { ...wanted, world: 'live' }))],
    ['an end too far ahead', 'request/invalid', 422, () => signed(request('/v1/api_keys', { ...wanted, expires_at: '2126-01-01T00:00:00Z' }))],
    ['an amount of a currency that there is not', 'request/invalid', 422, () => signed(request('/v1/api_keys', { ...wanted, caps: { day_total_max: { QQQ: '5' } } }))],
    ['a range that is none', 'request/invalid', 422, () => signed(request('/v1/api_keys', { ...wanted, allowed_addresses: ['10.0.0.1/40'] }))],
    ['settings in a roll', 'request/invalid', 422, async () => signed(request(`/v1/api_keys/${(await create()).id}/roll`, { must_sign: false }))],
    ['a roll of a revoked key', 'keys/not_rollable', 409, async () => {
      const gone = await gateway.issueKey(merchant.tenant)
      await gateway.revoke(gone)
      return signed(request(`/v1/api_keys/${gone.keyId}/roll`, {}))
    }],
    ['a roll of another merchant\'s key', 'keys/unknown', 404, async () => signed(request(`/v1/api_keys/${(await gateway.addMerchant()).keyId}/roll`, {}))],
    ['the end of another merchant\'s key', 'keys/unknown', 404, async () => signed(request(`/v1/api_keys/${(await gateway.addMerchant()).keyId}/revoke`))],
    ['a key that never was', 'keys/unknown', 404, () => signed(request(`/v1/api_keys/${newId('apiKey', { clock: systemClock, random: systemRandom })}/roll`, {}))],
  ]
  for (const [what, code, status, make] of refused) {
    test(what, async () => {
      const made = await make()
      const asked = gateway.custody.calls.filter((one) => one.startsWith('/v1/own-api-key')).length
      assertCode(await send(made), status, code)
      assert.equal(gateway.custody.calls.filter((one) => one.startsWith('/v1/own-api-key')).length, asked)
    })
  }
})

test('what the custodian refuses leaves nothing behind, and says no more', async () => {
  gateway.custody.refusesOwnKeys = true
  const before = await gateway.database.asAdmin('SELECT count(*)::int AS count FROM ngome.api_keys')
  const answer = await send(signed(request('/v1/api_keys', wanted)))
  gateway.custody.refusesOwnKeys = false
  assertCode(answer, 403, 'keys/refused')
  assert.deepEqual(await gateway.database.asAdmin('SELECT count(*)::int AS count FROM ngome.api_keys'), before)
})

test('a merchant sees its keys a page at a time, and what each was used for', async () => {
  const owner = await gateway.addMerchant()
  for (let at = 0; at < 3; at++) await gateway.issueKey(owner.tenant)
  const seen: ApiKeyView[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = JSON.parse((await owner.client.call({ path: `/v1/api_keys?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}` })).text) as { data: ApiKeyView[]; next_cursor: string | null }
    seen.push(...page.data)
    cursor = page.next_cursor
  }
  assert.equal(seen.length, 4)
  assert.deepEqual(seen.map(({ id }) => id), seen.map(({ id }) => id).toSorted().toReversed())
  const used = async () => (JSON.parse((await owner.client.call({ path: `/v1/api_keys/${owner.keyId}` })).text) as ApiKeyView)
  const until = systemClock.nowMs() + 20_000
  let row = await used()
  while (row.last_used_at === null && systemClock.nowMs() < until) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    row = await used()
  }
  assert.equal(row.last_network, '127.0.0.0/24')
})

test('an answer with a key in it is encrypted to who has a key for that, asked or not', async () => {
  const owner = await gateway.addMerchant()
  const [signing, encryption] = [generateKeyPairSync('ed25519'), generateKeyPairSync('rsa', { modulusLength: 3_072 })]
  const by = { keyId: await gateway.addSigningKey(owner, signing.publicKey), privateKey: signing.privateKey }
  await gateway.addSigningKey(owner, encryption.publicKey, ['encrypt'])
  const answer = await send(signed(request('/v1/api_keys', wanted), by), owner)
  assert.equal(answer.status, 201, answer.text)
  assert.equal(answer.headers['content-type'], 'application/jose')
  const { plaintext } = await compactDecrypt(answer.text, createPrivateKey(encryption.privateKey.export({ format: 'pem', type: 'pkcs8' })))
  const { secret } = JSON.parse(Buffer.from(plaintext).toString()) as Made
  assert.equal((await gateway.client(secret ?? '').call({ path: '/v1/payments' })).status, 200)
})

test('a merchant has no more keys that work than it can have', async () => {
  const owner = await gateway.addMerchant()
  const by = { keyId: await gateway.addSigningKey(owner, pair.publicKey), privateKey: pair.privateKey }
  await gateway.database.asAdmin(`INSERT INTO ngome.api_keys (id, merchant, world, verifier, pepper_version, proof, settings, hint, created_at)
    SELECT 'key_0' || lpad(at::text, 25, '0'), merchant, world, verifier, pepper_version, proof, settings, hint, created_at
    FROM ngome.api_keys, generate_series(1, $2::int) AS at WHERE id = $1`, [owner.keyId, ownApiKeysMax - 1])
  assertCode(await send(signed(request('/v1/api_keys', wanted), by), owner), 409, 'keys/too_many')
})

test('age, use and end show in what is seen of a key', () => {
  const dayMs = 86_400_000
  const nowMs = 200 * dayMs
  const reminders = { ageMs: 90 * dayMs, unusedMs: 30 * dayMs }
  const row = { id: merchant.keyId, hint: 'ngome_sk_test_…', settings: undefined, createdAtMs: nowMs - 90 * dayMs, revokedAtMs: null, lastUse: null }
  const view = (change: object = {}) => {
    const { state, is_rotation_due: isDue, is_unused: isUnused, age_days: ageDays } = apiKeyView(merchant.tenant, { ...row, ...change }, reminders, nowMs)
    return [state, isDue, isUnused, ageDays]
  }
  const { settings } = gateway.custody.keep({ id: merchant.keyId, digest: new Uint8Array(32) }, merchant.tenant)
  assert.deepEqual(view(), ['invalid', false, false, 90])
  assert.deepEqual(view({ settings }), ['valid', true, true, 90])
  assert.deepEqual(view({ settings, createdAtMs: nowMs - 89 * dayMs, lastUse: { atMs: nowMs - dayMs, network: '', agent: '' } }), ['valid', false, false, 89])
  assert.deepEqual(view({ settings: { ...settings, expiresAtMs: nowMs } }), ['ended', false, false, 90])
  assert.deepEqual(view({ settings, revokedAtMs: nowMs }), ['revoked', false, false, 90])
})
