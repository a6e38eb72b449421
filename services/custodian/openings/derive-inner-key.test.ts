import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { VaultTokenType } from '@ngome/contracts'
import { openClientSealed, parseClientSealed } from '@ngome/envelope'
import { ManualClock, newId, parseBase64Url, Secret, systemRandom, toBase64Url, type MerchantKeyId, type Tenant } from '@ngome/kernel'
import { VaultKey } from '@ngome/sealer'
import { moveKey } from '../key-life/key-life.ts'
import { merchantKeyLabel } from '../merchants/merchant-keys.ts'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'

const hourMs = 3_600_000
const startMs = 1_800_000_000_000
const number = '4242424242424242'

type World = { test: TestCustodian; clock: ManualClock; gateway: Gateway; dispatcher: Peer; tenant: Tenant }
type Inner = { merchantKey: MerchantKeyId; type: VaultTokenType; enc: string }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(startMs)
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  return { test, clock, gateway: await test.gateway(), dispatcher: await test.peer('dispatcher'), tenant: await test.tenant() }
}

/** Seals as a client does, to the key that the custodian publishes for now. */
async function clientSeals({ test, clock, gateway, tenant }: World, from: { tenant?: Tenant; ahead?: number } = {}): Promise<string> {
  const of = from.tenant ?? tenant
  const nowMs = clock.nowMs() + (from.ahead ?? 0) * 24 * hourMs
  const { statements } = await test.call(gateway.peer, '/v1/merchant-keys', { tenants: [of] })
  const statementKey = test.custodian.statementKey.publicKey.export({ format: 'jwk' }).x ?? ''
  for (const statement of statements) {
    const key = await VaultKey.verify(statement, { statementKey, ...of, nowMs }).catch(() => undefined)
    if (key !== undefined) return key.seal('card_number', number)
  }
  throw new TypeError('no statement for now')
}

function partsOf(text: string) {
  const parts = parseClientSealed(parseBase64Url(text) ?? new Uint8Array())
  assert.ok(parts)
  return parts
}

function innerOf(text: string): Inner {
  const { merchantKeyId, enc } = partsOf(text)
  return { merchantKey: merchantKeyId, type: 'card_number', enc: toBase64Url(enc) }
}

/** The body of a call that opens a token's record with what its client sealed. */
async function bodyOf({ test, clock, gateway, tenant }: World, inner: Inner | undefined) {
  const dataKey = await newDataKey(test, gateway, tenant, { retention: 'vault' })
  const recordId = newId('vaultToken', { clock, random: systemRandom })
  const body = openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x', { table: 'vault_tokens', recordId })])
  return {
    recordId, dataKey,
    body: { ...body, purpose: 'forward' as const, records: body.records.map((record) => ({ ...record, ...(inner === undefined ? {} : { inner }) })) },
  }
}

test('gives the key of what a client sealed with that of its record, once asked, and both are one line of the log', async (t) => {
  const w = await world(t)
  const sealed = await clientSeals(w)
  const { body, recordId, dataKey } = await bodyOf(w, innerOf(sealed))
  const rows = w.test.count('log')
  const { keys, innerKeys } = await w.test.call(w.dispatcher, '/v1/open', body)
  assert.deepEqual([keys.length, innerKeys?.length, w.test.count('log') - rows], [1, 1, 1])
  const key = new Secret(parseBase64Url(innerKeys?.[0] ?? '') ?? new Uint8Array())
  assert.equal(Buffer.from(openClientSealed(key, partsOf(sealed))).toString(), number)
  const [row] = w.test.lastLog(1)
  assert.match(String(row?.['subject']), new RegExp(`^forward ${w.tenant.merchant}/test/vault_tokens/${recordId}/v1 ${dataKey.id} 1/1 inner ${innerOf(sealed).merchantKey} [A-Za-z0-9_-]{22}$`))
})

test('gives no such key where none was asked for', async (t) => {
  const w = await world(t)
  const { body } = await bodyOf(w, undefined)
  assert.deepEqual(Object.keys(await w.test.call(w.dispatcher, '/v1/open', body)), ['keys'])
})

test('counts the record each time, so that no more keys come out than openings', async (t) => {
  const w = await world(t)
  const { body } = await bodyOf(w, innerOf(await clientSeals(w)))
  for (let at = 0; at < 120; at++) await w.test.call(w.dispatcher, '/v1/open', body)
  await assert.rejects(w.test.call(w.dispatcher, '/v1/open', body), { code: 'custodian/refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'record_budget_spent')
})

test('another type gives another key, under which it does not open', async (t) => {
  const w = await world(t)
  const sealed = await clientSeals(w)
  const { body } = await bodyOf(w, { ...innerOf(sealed), type: 'phone' })
  const { innerKeys } = await w.test.call(w.dispatcher, '/v1/open', body)
  const key = new Secret(parseBase64Url(innerKeys?.[0] ?? '') ?? new Uint8Array())
  assert.throws(() => openClientSealed(key, partsOf(sealed)), { code: 'envelope/open_refused' })
})

type Attack = readonly [what: string, reason: string, forge: (w: World) => Promise<Inner>]

const attacks: readonly Attack[] = [
  ['of another merchant', 'inner_misplaced', async (w) => innerOf(await clientSeals(w, { tenant: await w.test.tenant() }))],
  ['for a key that we do not have', 'merchant_key_unknown', async (w) =>
    ({ ...innerOf(await clientSeals(w)), merchantKey: newId('merchantKey', { clock: w.clock, random: systemRandom }) })],
  ['for a key of another class', 'inner_misplaced', async (w) => {
    const payment = w.test.db.prepare(`SELECT id FROM merchant_keys WHERE retention = 'payment' AND merchant = ? LIMIT 1`)
    const inner = innerOf(await clientSeals(w))
    return { ...inner, merchantKey: String(payment.get(w.tenant.merchant)?.['id']) as MerchantKeyId }
  }],
  ['for a key that begins later', 'inner_misplaced', async (w) => innerOf(await clientSeals(w, { ahead: 2 }))],
  ['for a key that had ended', 'inner_misplaced', async (w) => {
    const old = innerOf(await clientSeals(w))
    w.clock.advance(3 * 24 * hourMs)
    return old
  }],
  ['for a key that was destroyed', 'merchant_key_destroyed', async (w) => {
    const inner = innerOf(await clientSeals(w))
    // A key of another period: the data key's own is not destroyed.
    w.clock.advance(24 * hourMs)
    await w.test.custodian.store.commits.run(async (transaction) => {
      for (const to of ['decrypt-only', 'destroyed'] as const) await moveKey(transaction, merchantKeyLabel(inner.merchantKey), { to, nowMs: w.clock.nowMs() })
    })
    return inner
  }],
  ['whose secret was cut short', 'inner_unopenable', async (w) => {
    const inner = innerOf(await clientSeals(w))
    return { ...inner, enc: toBase64Url(partsOf(await clientSeals(w)).enc.subarray(1)) }
  }],
  ['whose secret is of another suite\'s length', 'inner_unopenable', async (w) => ({ ...innerOf(await clientSeals(w)), enc: toBase64Url(randomBytes(65)) })],
  ['whose secret is not canonical base64url', 'inner_unopenable', async (w) => ({ ...innerOf(await clientSeals(w)), enc: 'AB' })],
  ['of a type that there is not', 'request_invalid', async (w) => ({ ...innerOf(await clientSeals(w)), type: 'iris' as VaultTokenType })],
  ['whose secret is far too long', 'request_invalid', async (w) => ({ ...innerOf(await clientSeals(w)), enc: 'A'.repeat(1_600) })],
]
for (const [what, reason, forge] of attacks) {
  test(`refuses a value ${what}, and records why`, async (t) => {
    const w = await world(t)
    const inner = await forge(w)
    w.gateway = await w.test.gateway()
    const { body } = await bodyOf(w, inner)
    await assert.rejects(w.test.call(await w.test.peer('dispatcher'), '/v1/open', body), { code: 'custodian/refused' })
    assert.equal(w.test.lastLog(1)[0]?.['reason'], reason)
    assert.equal(w.test.count('budgets'), 0)
  })
}

test('charges open a card\'s number and no other value that a client sealed', async (t) => {
  const w = await world(t)
  const { body } = await bodyOf(w, { ...innerOf(await clientSeals(w)), type: 'text' })
  await assert.rejects(w.test.call(await w.test.peer('dispatcher'), '/v1/open', { ...body, purpose: 'charge' }), { code: 'custodian/refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'inner_not_permitted')
  const card = await bodyOf(w, innerOf(await clientSeals(w)))
  const opened = await w.test.call(await w.test.peer('dispatcher'), '/v1/open', { ...card.body, purpose: 'charge' })
  assert.equal(opened.innerKeys?.length, 1)
})

test('refuses it for a record whose kind holds none', async (t) => {
  const w = await world(t)
  const inner = innerOf(await clientSeals(w))
  const dataKey = await newDataKey(w.test, w.gateway, w.tenant)
  const body = openRequest(dataKey.sealed, [sealedRecord(w.clock, dataKey, 'x')])
  const records = body.records.map((record) => ({ ...record, inner }))
  await assert.rejects(w.test.call(w.dispatcher, '/v1/open', { ...body, records }), { code: 'custodian/refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'inner_not_permitted')
})
