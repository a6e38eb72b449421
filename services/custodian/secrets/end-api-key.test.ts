import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProvenApiKey, parseKeySettings, type KeptApiKey } from '@ngome/access'
import type { ApiKeySettingsJson } from '@ngome/contracts'
import { ManualClock, parseBase64Url, toBase64Url } from '@ngome/kernel'
import { allAllowed, endRequest, issueKey, rehashRequest, type IssuedKey } from '../testing/test-api-key.ts'
import { TestCustodian } from '../testing/test-custodian.ts'

const startMs = 1_800_000_000_000
const hourMs = 3_600_000
const iso = (ms: number): string => new Date(ms).toISOString()

async function world(t: { after(fn: () => void): void }, settings: ApiKeySettingsJson = allAllowed) {
  const test = await TestCustodian.open({ clock: new ManualClock(startMs) })
  t.after(() => test.remove())
  const [tenant, operator, gateway] = [await test.tenant(), await test.peer('operator'), await test.peer('gateway')]
  const key = await issueKey(test, tenant, settings)
  const end = (of: IssuedKey, atMs: number, given: object = {}) => test.call(operator, '/v1/end-api-key', { ...endRequest(of, atMs), ...given })
  const rehash = (of: IssuedKey) => test.call(gateway, '/v1/rehash-api-key', rehashRequest(of))
  return { test, operator, key, end, rehash }
}

/** The key as the database holds it with its end. */
function ended(key: IssuedKey, { proof, endsAt }: { readonly proof: string; readonly endsAt: string }): IssuedKey {
  return { ...key, statement: { ...key.statement, proof }, settings: { ...key.settings, expiresAt: endsAt } }
}

function keptOf({ id, tenant, statement, settings }: IssuedKey): KeptApiKey {
  const [verifier, parsed] = [parseBase64Url(statement.verifier), parseKeySettings(settings)]
  assert.ok(verifier !== undefined && parsed !== undefined)
  return { id, tenant, verifier, pepperVersion: statement.pepperVersion, settings: parsed }
}

function isProven(test: TestCustodian, key: IssuedKey): boolean {
  return isProvenApiKey(keptOf(key), parseBase64Url(key.statement.proof) ?? new Uint8Array(), test.custodian.statementKey.publicKey)
}

test('an end is signed with everything else as it was, and is written down', async (t) => {
  const { test, key, end, rehash } = await world(t)
  const later = ended(key, await end(key, startMs + hourMs))
  assert.equal(later.settings.expiresAt, iso(startMs + hourMs))
  assert.equal(isProven(test, later), true)
  assert.equal(isProven(test, { ...later, settings: key.settings }), false)
  assert.match(String(test.lastLog(1)[0]?.['subject']), new RegExp(`${key.id} v1 at ${iso(startMs + hourMs)}`))
  assert.deepEqual(await rehash(later), { statement: null })
})

test('the row from before its end goes to no other pepper, and no later end can be had with it', async (t) => {
  const { test, operator, key, end, rehash } = await world(t)
  const first = await end(key, startMs + hourMs)
  // Somebody put the old row back: its signature holds, and what it says is over.
  assert.equal(isProven(test, key), true)
  await assert.rejects(rehash(key), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'api_key_ended')
  assert.equal((await end(key, startMs + 9 * hourMs)).endsAt, first.endsAt)
  await test.call(operator, '/v1/rotate-secret', { name: 'api-pepper', compromised: false, endAt: null })
  await assert.rejects(rehash(key), { code: 'custodian/refused' })
  assert.equal((await rehash(ended(key, first))).statement?.pepperVersion, 2)
  for (const sql of ['UPDATE api_keys SET ends_at_ms = NULL', `UPDATE api_keys SET ends_at_ms = ${startMs + 2 * hourMs}`]) {
    assert.throws(() => test.db.exec(sql), /earlier end/)
  }
})

test('an end comes nearer, also where the key was issued with one, and never moves back', async (t) => {
  const { test, key, end } = await world(t, { ...allAllowed, expiresAt: iso(startMs + 4 * hourMs) })
  assert.equal((await end(key, startMs + 5 * hourMs)).endsAt, iso(startMs + 4 * hourMs))
  const nearer = ended(key, await end(key, startMs + hourMs))
  assert.equal(nearer.settings.expiresAt, iso(startMs + hourMs))
  assert.equal((await end(nearer, startMs + 2 * hourMs)).endsAt, iso(startMs + hourMs))
  assert.equal(isProven(test, nearer), true)
})

const attacks: readonly (readonly [claim: string, reason: string, given: object])[] = [
  ['a planted verifier', 'api_key_unproven', { verifier: toBase64Url(new Uint8Array(32)) }],
  ['more than was signed', 'api_key_unproven', { settings: { ...allAllowed, name: 'x' } }],
  ['a proof of nobody', 'api_key_unproven', { proof: toBase64Url(new Uint8Array(65)) }],
  ['what is no bytes', 'request_invalid', { proof: 'A' }],
  ['settings that are not canonical', 'request_invalid', { settings: { ...allAllowed, scopes: ['payments:write', 'payments:read'] } }],
]
for (const [claim, reason, given] of attacks) {
  test(`no end is signed for ${claim}`, async (t) => {
    const { test, key, end } = await world(t)
    await assert.rejects(end(key, startMs + hourMs, given), { code: 'custodian/refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], reason)
  })
}

const refusedSettings: readonly (readonly [claim: string, settings: ApiKeySettingsJson])[] = [
  ['a publishable key that may pay', { ...allAllowed, kind: 'publishable' }],
  ['an end that is over', { ...allAllowed, expiresAt: iso(startMs) }],
  ['a scope that there is not', { ...allAllowed, scopes: ['everything'] }],
  ['a range that can be written in two ways', { ...allAllowed, allowedAddresses: ['10.0.0.1/8'] }],
]
for (const [claim, settings] of refusedSettings) {
  test(`no key is made with ${claim}`, async (t) => {
    const { test } = await world(t)
    await assert.rejects(issueKey(test, await test.tenant(), settings), { code: 'custodian/refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], 'request_invalid')
  })
}
