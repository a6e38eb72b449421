import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { isProvenApiKey, parseKeySettings } from '@ngome/access'
import type { ApiKeySettingsJson, CustodianResponse } from '@ngome/contracts'
import { ManualClock, newId, parseBase64Url, systemRandom, toBase64Url, type ApiKeyId, type Tenant } from '@ngome/kernel'
import { digestOf, signatureAttacks, type SignedRequest } from '@ngome/testkit'
import { allAllowed, endRequest, issueKey, rehashRequest, type IssuedKey } from '../testing/test-api-key.ts'
import { ownKeyRequest, rowOf, signedRequest, stateKey, wantedKey, type OwnKeyRequest, type StatedKey } from '../testing/test-own-key.ts'
import { TestCustodian, type Peer } from '../testing/test-custodian.ts'
import { ownKeysPerDayMax } from './own-key-nonces.ts'

const startMs = 1_800_000_000_000
const dayMs = 86_400_000
const iso = (ms: number): string => new Date(ms).toISOString()
const path = '/v1/own-api-key'

type World = {
  readonly test: TestCustodian; readonly clock: ManualClock; readonly gateway: Peer; readonly operator: Peer
  readonly key: StatedKey; readonly issued: IssuedKey
}
async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(startMs)
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  const tenant = await test.tenant()
  const [gateway, operator] = [await test.peer('gateway'), await test.peer('operator')]
  return { test, clock, gateway, operator, key: await stateKey(test, tenant), issued: await issueKey(test, tenant) }
}

const rollOf = ({ id }: Pick<IssuedKey, 'id'>, body: object = { expires_in: 3_600 }): SignedRequest => signedRequest(`/v1/api_keys/${id}/roll`, body)

/** The key as the database would hold it. */
function kept({ key, merchant, world: of }: OwnKeyRequest, { statement, settings }: CustodianResponse<typeof path>, test: TestCustodian): boolean {
  const [verifier, proof, parsed] = [parseBase64Url(statement.verifier), parseBase64Url(statement.proof), parseKeySettings(settings)]
  assert.ok(verifier !== undefined && proof !== undefined && parsed !== undefined)
  const row = { id: key as ApiKeyId, tenant: { merchant, world: of } as Tenant, verifier, pepperVersion: statement.pepperVersion, settings: parsed }
  return isProvenApiKey(row, proof, test.custodian.statementKey.publicKey)
}

async function refused(w: World, request: OwnKeyRequest, reason: string): Promise<void> {
  const count = w.test.count('api_keys')
  await assert.rejects(w.test.call(w.gateway, path, request), { code: 'custodian/refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], reason)
  assert.equal(w.test.count('api_keys'), count, 'no key was made')
}

test('a key is made as its merchant signed for it, with an end where nobody named one, and recorded with the key that signed', async (t) => {
  const w = await world(t)
  const request = ownKeyRequest(w.test, w.key)
  const answer = await w.test.call(w.gateway, path, request)
  assert.equal(kept(request, answer, w.test), true)
  assert.deepEqual(answer.settings, {
    ...allAllowed, name: 'shop', scopes: ['payments:read'], expiresAt: iso(startMs + 365 * dayMs),
  } satisfies ApiKeySettingsJson)
  assert.equal(answer.ended, null)
  assert.match(String(w.test.lastLog(1)[0]?.['subject']), new RegExp(`^${request.merchant}/test ${request.key} by ${w.key.id}$`))
  assert.deepEqual(await w.test.call(w.gateway, '/v1/rehash-api-key', rehashRequest({
    id: request.key as never, tenant: w.key.tenant, digest: parseBase64Url(request.digest) ?? new Uint8Array(), ...answer,
  })), { statement: null })
})

test('what was asked for is what is signed: addresses, caps, kind, end and whether it signs', async (t) => {
  const w = await world(t)
  const body = {
    kind: 'secret', name: 'pos', scopes: ['payments:write', 'payments:read'], allowed_addresses: ['198.51.100.0/24', '192.0.2.7'], must_sign: true,
    caps: { amount_max: { UGX: '500000', KES: '12.50' }, day_total_max: { UGX: '900000' }, currencies: ['UGX', 'KES'], networks: ['mtn-ug'] },
    expires_at: iso(startMs + dayMs),
  }
  const { settings } = await w.test.call(w.gateway, path, ownKeyRequest(w.test, w.key, { request: signedRequest('/v1/api_keys', body) }))
  assert.deepEqual(settings, {
    kind: 'secret', name: 'pos', scopes: ['payments:read', 'payments:write'], allowedAddresses: ['192.0.2.7/32', '198.51.100.0/24'], mustSign: true,
    caps: { amountMax: { KES: '1250', UGX: '500000' }, dayTotalMax: { UGX: '900000' }, currencies: ['KES', 'UGX'], networks: ['mtn-ug'] },
    expiresAt: iso(startMs + dayMs),
  })
})

test('a key that is rolled has a successor that may do the same, and the end that was signed for', async (t) => {
  const w = await world(t)
  const old = await issueKey(w.test, w.key.tenant, { ...allAllowed, mustSign: true, scopes: ['keys:write'], allowedAddresses: ['192.0.2.7/32'] })
  const request = ownKeyRequest(w.test, w.key, { request: rollOf(old), rolled: rowOf(old) })
  const answer = await w.test.call(w.gateway, path, request)
  assert.deepEqual(answer.settings, old.settings)
  assert.equal(kept(request, answer, w.test), true)
  assert.equal(answer.ended?.endsAt, iso(startMs + 3_600_000))
  const ended = { ...old, settings: { ...old.settings, expiresAt: answer.ended.endsAt }, statement: { ...old.statement, proof: answer.ended.proof } }
  assert.deepEqual(await w.test.call(w.gateway, '/v1/rehash-api-key', rehashRequest(ended)), { statement: null })
  await assert.rejects(w.test.call(w.gateway, '/v1/rehash-api-key', rehashRequest(old)), { code: 'custodian/refused' }, 'the row from before is over')
  assert.match(String(w.test.lastLog(3)[0]?.['subject']), new RegExp(`instead of ${old.id} at ${answer.ended.endsAt}$`))
})

test('a successor counts towards the day of the first of its line: to roll a key, twice too, gives no second day total', async (t) => {
  const w = await world(t)
  const caps = { amountMax: {}, dayTotalMax: { UGX: '900000' }, currencies: [], networks: [] }
  const first = await issueKey(w.test, w.key.tenant, { ...allAllowed, caps })
  const second = await w.test.call(w.gateway, path, ownKeyRequest(w.test, w.key, { request: rollOf(first), rolled: rowOf(first) }))
  assert.deepEqual(second.settings, { ...first.settings, caps: { ...caps, dayTotalOf: first.id } })
  const next = await issueKey(w.test, w.key.tenant, second.settings)
  const third = await w.test.call(w.gateway, path, ownKeyRequest(w.test, w.key, { request: rollOf(next), rolled: rowOf(next) }))
  assert.deepEqual(third.settings, second.settings)
})

test('a roll that was cut off before the database had it is made again, and its end moves no further away', async (t) => {
  const w = await world(t)
  const roll = (seconds: number) => ownKeyRequest(w.test, w.key, { request: rollOf(w.issued, { expires_in: seconds }), rolled: rowOf(w.issued) })
  await w.test.call(w.gateway, path, roll(60))
  const { ended } = await w.test.call(w.gateway, path, roll(3_600))
  assert.equal(ended?.endsAt, iso(startMs + 60_000))
  const ofDatabase = { ...rowOf(w.issued), proof: ended.proof, settings: { ...w.issued.settings, expiresAt: ended.endsAt } }
  await refused(w, { ...roll(30), rolled: ofDatabase }, 'api_key_ended')
})

type Attack = (w: World) => OwnKeyRequest | Promise<OwnKeyRequest>
const sent = (body: object): Attack => (w) => ownKeyRequest(w.test, w.key, { request: signedRequest('/v1/api_keys', body) })
const sentTo = (target: string, change: Partial<SignedRequest> = {}): Attack => (w) => ownKeyRequest(w.test, w.key, { request: { ...signedRequest(target), ...change } })
const rolling = (change: (row: NonNullable<OwnKeyRequest['rolled']>) => NonNullable<OwnKeyRequest['rolled']>): Attack => (w) =>
  ownKeyRequest(w.test, w.key, { request: rollOf(w.issued), rolled: change(rowOf(w.issued)) })
const stranger = async (w: World): Promise<StatedKey> => stateKey(w.test, await w.test.tenant())

const attacks: readonly (readonly [claim: string, reason: string, attempt: Attack])[] = [
  ['a stolen gateway\'s own word', 'merchant_signature_refused', (w) => {
    const request = ownKeyRequest(w.test, w.key)
    return { ...request, signed: { ...request.signed, signatureInput: '', signature: '' } }
  }],
  ['a merchant\'s key that somebody made up', 'signing_key_unknown', async (w) => ownKeyRequest(w.test, { ...w.key, proof: toBase64Url(new Uint8Array(64)) })],
  ['a proof that is no bytes', 'signing_key_unknown', (w) => ownKeyRequest(w.test, { ...w.key, proof: 'A' })],
  ['another public key beside a good statement', 'signing_key_unknown', async (w) => ownKeyRequest(w.test, { ...w.key, spki: (await stranger(w)).spki })],
  ['a key whose end somebody moved', 'signing_key_unknown', (w) => ownKeyRequest(w.test, { ...w.key, expires: iso(startMs + 9 * dayMs) })],
  ['a key that encrypts only', 'merchant_signature_refused', async (w) => ownKeyRequest(w.test, { ...await stateKey(w.test, w.key.tenant, ['encrypt']), privateKey: w.key.privateKey })],
  ['another merchant\'s signature', 'signing_key_unknown', async (w) => ({ ...ownKeyRequest(w.test, await stranger(w)), ...w.key.tenant })],
  ['a signature of the other world', 'signing_key_unknown', async (w) => {
    const live = { ...w.key.tenant, world: 'live' as const }
    await w.test.call(w.operator, '/v1/merchants', live)
    return { ...ownKeyRequest(w.test, w.key), world: 'live' }
  }],
  ['a live key on a root that is not protected', 'root_unprotected', async (w) => ownKeyRequest(w.test, await stateKey(w.test, await w.test.tenant('live')))],
  ['a body other than its digest', 'merchant_signature_refused', (w) => {
    const request = ownKeyRequest(w.test, w.key)
    const body = toBase64Url(Buffer.from(JSON.stringify({ ...wantedKey, scopes: ['payments:write'] })))
    return { ...request, signed: { ...request.signed, body } }
  }],
  ['another body with its own digest', 'merchant_signature_refused', (w) => {
    const request = ownKeyRequest(w.test, w.key)
    const body = JSON.stringify({ ...wantedKey, scopes: ['payments:write'] })
    return { ...request, signed: { ...request.signed, body: toBase64Url(Buffer.from(body)), contentDigest: digestOf(body) } }
  }],
  ['a body that is no base64url', 'merchant_signature_refused', (w) => {
    const request = ownKeyRequest(w.test, w.key)
    return { ...request, signed: { ...request.signed, body: 'A' } }
  }],
  ['a body that is no JSON', 'merchant_signature_refused', sentTo('/v1/api_keys', { body: '{', headers: { 'content-digest': digestOf('{'), 'idempotency-key': 'x' } })],
  ['a body that says one thing twice', 'merchant_signature_refused', sentTo('/v1/api_keys', {
    body: '{"scopes":["payments:read"],"scopes":["vault:read"]}',
    headers: { 'content-digest': digestOf('{"scopes":["payments:read"],"scopes":["vault:read"]}'), 'idempotency-key': 'x' },
  })],
  ['what was signed as a payment', 'signed_for_another', sentTo('/v1/payments')],
  ['what was signed with a query', 'signed_for_another', sentTo('/v1/api_keys?limit=1')],
  ['what was signed as a look', 'signed_for_another', sentTo('/v1/api_keys', { method: 'GET' })],
  ['what was signed to roll a key', 'signed_for_another', (w) => ownKeyRequest(w.test, w.key, { request: rollOf(w.issued) })],
  ['what was signed to revoke a key', 'signed_for_another', (w) => ownKeyRequest(w.test, w.key, {
    request: signedRequest(`/v1/api_keys/${w.issued.id}/revoke`), rolled: rowOf(w.issued),
  })],
  ['a roll that was signed to make a key', 'signed_for_another', (w) => ownKeyRequest(w.test, w.key, { rolled: rowOf(w.issued) })],
  ['a roll that was signed for another key', 'signed_for_another', async (w) => ownKeyRequest(w.test, w.key, {
    request: rollOf(await issueKey(w.test, w.key.tenant)), rolled: rowOf(w.issued),
  })],
  ['a roll of another merchant\'s key', 'api_key_unproven', async (w) => {
    const theirs = await issueKey(w.test, await w.test.tenant())
    return ownKeyRequest(w.test, w.key, { request: rollOf(theirs), rolled: rowOf(theirs) })
  }],
  ['a roll that lets the successor do more', 'api_key_unproven', rolling((row) => ({ ...row, settings: { ...row.settings, name: 'more' } }))],
  ['a roll that lifts the demand to sign', 'api_key_unproven', async (w) => {
    const old = await issueKey(w.test, w.key.tenant, { ...allAllowed, mustSign: true })
    return ownKeyRequest(w.test, w.key, { request: rollOf(old), rolled: { ...rowOf(old), settings: { ...old.settings, mustSign: false } } })
  }],
  ['a roll that widens caps', 'api_key_unproven', async (w) => {
    const old = await issueKey(w.test, w.key.tenant, { ...allAllowed, caps: { ...allAllowed.caps, currencies: ['UGX'] } })
    return ownKeyRequest(w.test, w.key, { request: rollOf(old), rolled: { ...rowOf(old), settings: allAllowed } })
  }],
  ['a roll out of a day total of its own', 'api_key_unproven', async (w) => {
    const caps = { amountMax: {}, dayTotalMax: { UGX: '900000' }, currencies: [], networks: [] }
    const old = await issueKey(w.test, w.key.tenant, { ...allAllowed, caps: { ...caps, dayTotalOf: w.issued.id } })
    return ownKeyRequest(w.test, w.key, { request: rollOf(old), rolled: { ...rowOf(old), settings: { ...old.settings, caps } } })
  }],
  ['a roll whose body names settings', 'own_key_refused', (w) => ownKeyRequest(w.test, w.key, {
    request: rollOf(w.issued, { expires_in: 60, must_sign: false }), rolled: rowOf(w.issued),
  })],
  ['a roll with an overlap of a season', 'own_key_refused', (w) => ownKeyRequest(w.test, w.key, { request: rollOf(w.issued, { expires_in: 91 * 86_400 }), rolled: rowOf(w.issued) })],
  ['a roll of a key that ends before', 'api_key_ended', async (w) => {
    const old = await issueKey(w.test, w.key.tenant, { ...allAllowed, expiresAt: iso(startMs + 60_000) })
    return ownKeyRequest(w.test, w.key, { request: rollOf(old), rolled: rowOf(old) })
  }],
  ['a roll of a key that the operator rolled', 'api_key_ended', async (w) => {
    const old = await issueKey(w.test, w.key.tenant)
    const { proof, endsAt } = await w.test.call(w.operator, '/v1/end-api-key', endRequest(old, startMs + 9 * dayMs))
    return ownKeyRequest(w.test, w.key, { request: rollOf(old), rolled: { ...rowOf(old), proof, settings: { ...allAllowed, expiresAt: endsAt } } })
  }],
  ['a scope that is the operator\'s to give', 'own_key_refused', sent({ scopes: ['keys:write'] })],
  ['a scope that there is not', 'own_key_refused', sent({ scopes: ['everything'] })],
  ['a field that there is not', 'own_key_refused', sent({ ...wantedKey, merchant: 'mer_01k8z3f7q2e9d8m4n6p0r5s7tv' })],
  ['an end too far ahead', 'own_key_refused', sent({ ...wantedKey, expires_at: iso(startMs + 366 * dayMs) })],
  ['an end that is over', 'own_key_refused', sent({ ...wantedKey, expires_at: iso(startMs) })],
  ['a publishable key that reads', 'own_key_refused', sent({ kind: 'publishable', scopes: ['payments:read'] })],
  ['a digest that is none', 'request_invalid', (w) => ({ ...ownKeyRequest(w.test, w.key), digest: toBase64Url(new Uint8Array(31)) })],
  ['an id that stands for another key', 'api_key_known', (w) => ({ ...ownKeyRequest(w.test, w.key), key: w.issued.id })],
]
suite('no key is made for', () => {
  const closers: (() => void)[] = []
  let w: World
  before(async () => {
    w = await world({ after: (fn) => void closers.push(fn) })
  })
  after(() => closers.forEach((close) => close()))
  for (const [claim, reason, attempt] of attacks) test(claim, async () => refused(w, await attempt(w), reason))
  test('any of these, while its merchant\'s own request makes one', async () => void await w.test.call(w.gateway, path, ownKeyRequest(w.test, w.key)))
})

test('no key is made for a signing key that this custodian has no record of', async (t) => {
  const w = await world(t)
  w.test.db.exec('DROP TRIGGER merchant_signing_keys_stay; DELETE FROM merchant_signing_keys')
  await refused(w, ownKeyRequest(w.test, w.key), 'signing_key_unknown')
})

// A query and another body are tried above, by what they would mean here.
const { 'only a digest': _unsigned, ...shapes } = signatureAttacks
test('no key is made for a signature that is wrong in any part', async (t) => {
  const w = await world(t)
  const { signed } = ownKeyRequest(w.test, w.key)
  for (const [name, attack] of Object.entries(shapes)) {
    w.clock.advance(1_000)
    const request = ownKeyRequest(w.test, w.key, { attack })
    assert.notEqual(request.signed.signature, signed.signature)
    await assert.rejects(w.test.call(w.gateway, path, request), { code: 'custodian/refused' }, name)
  }
  assert.ok(Object.keys(shapes).length > 60)
  assert.equal(w.test.count('own_key_nonces'), 0)
})

test('one signed request makes one key: 100 at once, once more later, and after a restart', async (t) => {
  const w = await world(t)
  const request = ownKeyRequest(w.test, w.key)
  const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => {
    const key = newId('apiKey', { clock: w.clock, random: systemRandom })
    return w.test.call(w.gateway, path, { ...request, key })
  }))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal(w.test.count('own_key_nonces'), 1)
  await w.test.reopen()
  await refused(w, { ...request, key: newId('apiKey', { clock: w.clock, random: systemRandom }) }, 'nonce_seen')
})

test('a refusal spends no nonce: what the merchant meant can still be done', async (t) => {
  const w = await world(t)
  const request = ownKeyRequest(w.test, w.key)
  await refused(w, { ...request, key: w.issued.id }, 'api_key_known')
  await w.test.call(w.gateway, path, request)
})

test('a signature is good for five minutes and no longer', async (t) => {
  const w = await world(t)
  const request = ownKeyRequest(w.test, w.key)
  w.clock.advance(301_000)
  await refused(w, request, 'merchant_signature_refused')
})

test('a merchant makes so many keys a day, and nonces are forgotten after one', async (t) => {
  const w = await world(t)
  for (let at = 0; at < ownKeysPerDayMax; at++) await w.test.call(w.gateway, path, ownKeyRequest(w.test, w.key))
  await refused(w, ownKeyRequest(w.test, w.key), 'own_keys_spent')
  const other = await stranger(w)
  await w.test.call(w.gateway, path, ownKeyRequest(w.test, other))
  w.clock.advance(dayMs + 1_000)
  const [key, gateway] = [await stateKey(w.test, w.key.tenant), await w.test.peer('gateway')]
  await w.test.call(gateway, path, ownKeyRequest(w.test, key))
  assert.equal(w.test.count('own_key_nonces'), 2, 'its own, and the other merchant\'s')
})

test('a revoked signing key makes none, also after a restart, and stays revoked', async (t) => {
  const w = await world(t)
  const revoke = () => w.test.call(w.operator, '/v1/revoke-merchant-signing-key', { ...w.key.tenant, key: w.key.id })
  await revoke()
  await refused(w, ownKeyRequest(w.test, w.key), 'signing_key_revoked')
  await revoke()
  await w.test.reopen()
  await refused(w, ownKeyRequest(w.test, w.key), 'signing_key_revoked')
  for (const sql of ['UPDATE merchant_signing_keys SET revoked_at_ms = NULL', 'DELETE FROM merchant_signing_keys']) {
    assert.throws(() => w.test.db.exec(sql), /stays/)
  }
})

test('a key of another tenant, or of nobody, is not revoked', async (t) => {
  const w = await world(t)
  const nobody = newId('merchantSigningKey', { clock: w.clock, random: systemRandom })
  for (const request of [{ ...await w.test.tenant(), key: w.key.id }, { ...w.key.tenant, world: 'live' as const, key: w.key.id }, { ...w.key.tenant, key: nobody }]) {
    await assert.rejects(w.test.call(w.operator, '/v1/revoke-merchant-signing-key', request), { code: 'custodian/refused' })
    assert.equal(w.test.lastLog(1)[0]?.['reason'], 'signing_key_unknown')
  }
  await w.test.call(w.gateway, path, ownKeyRequest(w.test, w.key))
})

test('an id stands for one statement: the same again is answered, another is refused', async (t) => {
  const w = await world(t)
  const { tenant, id, uses, expires, spki } = w.key
  const state = (change: object) => w.test.call(w.operator, '/v1/merchant-signing-key', { ...tenant, key: id, from: { spki }, uses, expires, ...change })
  assert.equal((await state({})).proof, w.key.proof)
  await assert.rejects(state({ expires: iso(startMs + 2 * dayMs) }), { code: 'custodian/refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'signing_key_known')
})

test('the operator says how far merchants may go', async (t) => {
  const w = await world(t)
  await w.test.reopen({ ownKeyPolicy: { scopes: ['vault:seal'], lifeMsMax: dayMs } })
  await refused(w, ownKeyRequest(w.test, w.key), 'own_key_refused')
  const { settings } = await w.test.call(w.gateway, path, ownKeyRequest(w.test, w.key, {
    request: signedRequest('/v1/api_keys', { kind: 'publishable', scopes: ['vault:seal'] }),
  }))
  assert.deepEqual([settings.kind, settings.expiresAt], ['publishable', iso(startMs + dayMs)])
})
