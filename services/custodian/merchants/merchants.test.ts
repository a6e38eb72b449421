import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { retentionClasses } from '@ngome/contracts'
import { blindOnce, verifyStatement, type VerifiedStatement } from '@ngome/envelope'
import { lengthPrefixed, ManualClock, newId, parseBase64Url, Secret, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'
import { indexesPerHourMax } from '../openings/purposes.ts'
import { indexKeyLabel } from './index-keys.ts'
import { findMerchantKey, insertMerchantKey, keySlots, makeMerchantKey } from './merchant-keys.ts'
import { periodAt, periodGraceMs, periodsAhead, publishedPeriods } from './periods.ts'

const dayMs = 86_400_000
const startMs = 1_800_000_000_000
const period = Math.floor(startMs / dayMs)

type World = { test: TestCustodian; clock: ManualClock; operator: Peer; gateway: Gateway; tenant: Tenant }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(startMs)
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  return { test, clock, operator: await test.peer('operator'), gateway: await test.gateway(), tenant: await test.tenant() }
}

async function published({ test, gateway }: World, tenants: readonly Tenant[]): Promise<readonly VerifiedStatement[]> {
  const { statements } = await test.call(gateway.peer, '/v1/merchant-keys', { tenants: [...tenants] })
  return statements.map((text) => verifyStatement(parseBase64Url(text) ?? new Uint8Array(), test.custodian.statementKey.publicKey))
}

const merchant = () => newId('merchant', { clock: new ManualClock(startMs), random: systemRandom })

const classes = retentionClasses.length
/** Merchant keys of one tenant: the present period and two ahead, one for each retention class. */
const slots = 3 * classes

test('registering a merchant makes its index key, and its keys for three periods and each retention class', async (t) => {
  const { test, tenant } = await world(t)
  const rows = test.db.prepare('SELECT period, retention FROM merchant_keys WHERE merchant = ? ORDER BY period, retention').all(tenant.merchant)
  assert.deepEqual(rows.map((row) => [row['period'], row['retention']]),
    [0, 1, 2].flatMap((ahead) => retentionClasses.toSorted().map((retention) => [period + ahead, retention])))
  assert.equal(test.count(`wrapped_keys WHERE purpose = 'merchant'`), slots)
  assert.equal(test.count(`wrapped_keys WHERE purpose = 'index'`), 1)
  assert.deepEqual(test.lastLog(1).map((row) => [row['operation'], row['subject']]), [['/v1/merchants', `${tenant.merchant}/test`]])
})

test('registering twice, also at once, makes nothing anew', async (t) => {
  const { test, operator, tenant } = await world(t)
  const other = { merchant: merchant(), world: 'test' } as const
  await Promise.all([test.call(operator, '/v1/merchants', other), test.call(operator, '/v1/merchants', other)])
  await test.call(operator, '/v1/merchants', tenant)
  assert.equal(test.count('tenants'), 2)
  assert.equal(test.count('merchant_keys'), 2 * slots)
  assert.equal(test.count(`wrapped_keys WHERE purpose = 'merchant'`), 2 * slots)
})

test('test and live are two tenants with keys of their own', async (t) => {
  const w = await world(t)
  const live = { ...w.tenant, world: 'live' } as const
  await w.test.call(w.operator, '/v1/merchants', live)
  const statements = await published(w, [w.tenant, live])
  assert.equal(new Set(statements.map(({ keyId }) => keyId)).size, 2 * slots)
  assert.equal(statements.filter(({ tenant }) => tenant.world === 'live').length, slots)
})

test('publishes signed statements for the present period and two ahead', async (t) => {
  const w = await world(t)
  const statements = await published(w, [w.tenant])
  assert.equal(statements.length, slots)
  for (const statement of statements) {
    assert.deepEqual({ ...statement.tenant }, w.tenant)
    assert.equal(statement.notBeforeMs, statement.period * dayMs)
    assert.equal(statement.notAfterMs, (statement.period + 1) * dayMs + periodGraceMs)
  }
  assert.deepEqual([...new Set(statements.map((one) => one.period))], [period, period + 1, period + 2])
})

test('the same key is published again, also after a restart, and a missing one is made', async (t) => {
  const w = await world(t)
  const before = await published(w, [w.tenant])
  await w.test.reopen()
  assert.deepEqual((await published(w, [w.tenant])).map(({ keyId }) => keyId), before.map(({ keyId }) => keyId))
  w.clock.advance(dayMs - 1)
  const gateway = await w.test.gateway()
  const after = await published({ ...w, gateway }, [w.tenant])
  assert.deepEqual(after.slice(0, -classes).map(({ keyId }) => keyId), before.slice(classes).map(({ keyId }) => keyId))
  assert.deepEqual(after.slice(-classes).map((one) => one.period), retentionClasses.map(() => period + 3))
})

test('gateways that ask at once are given the same keys', async (t) => {
  const w = await world(t)
  w.clock.advance(5 * dayMs)
  const gateway = await w.test.gateway()
  const all = await Promise.all([1, 2, 3].map(() => published({ ...w, gateway }, [w.tenant])))
  for (const one of all) assert.deepEqual(one.map(({ keyId }) => keyId), all[0]?.map(({ keyId }) => keyId))
  assert.equal(w.test.count(`wrapped_keys WHERE purpose = 'merchant'`), 2 * slots)
})

test('gives statements to registered tenants only, and none where one is unknown', async (t) => {
  const w = await world(t)
  for (const stranger of [{ merchant: merchant(), world: 'test' }, { ...w.tenant, world: 'live' }] as const) {
    await assert.rejects(published(w, [w.tenant, stranger]), { code: 'custodian/refused' })
    assert.equal(w.test.lastLog(1)[0]?.['reason'], 'tenant_unknown')
  }
  assert.equal(w.test.count('merchant_keys'), slots)
})

test('a data key of the last moment of a period still opens when the next has begun', async (t) => {
  const w = await world(t)
  w.clock.advance((period + 1) * dayMs - startMs - 1)
  const gateway = await w.test.gateway()
  const dataKey = await newDataKey(w.test, gateway, w.tenant)
  w.clock.advance(1)
  const record = sealedRecord(w.clock, dataKey, 'x')
  const { keys } = await w.test.call(await w.test.peer('dispatcher'), '/v1/open', openRequest(dataKey.sealed, [record]))
  assert.equal(keys.length, 1)
})

test('periods count from 1970, without a gap or an overlap', () => {
  assert.equal(periodAt(dayMs - 1, dayMs), 0)
  assert.equal(periodAt(dayMs, dayMs), 1)
  assert.deepEqual(publishedPeriods(dayMs, dayMs), [1, 2, 3])
  assert.equal(periodsAhead, 2)
})

const swaps: readonly { readonly name: string; readonly sql: (mine: string, theirs: string) => string }[] = [
  { name: 'another merchant\'s statement', sql: (mine, theirs) => `UPDATE merchant_keys SET statement = (SELECT statement FROM merchant_keys o WHERE o.merchant = '${theirs}' AND o.period = merchant_keys.period AND o.retention = merchant_keys.retention) WHERE merchant = '${mine}'` },
  { name: 'the statement of another retention class', sql: (mine) => `UPDATE merchant_keys SET statement = (SELECT statement FROM merchant_keys o WHERE o.merchant = '${mine}' AND o.period = merchant_keys.period AND o.retention <> merchant_keys.retention) WHERE merchant = '${mine}'` },
  { name: 'the statement of another period', sql: (mine) => `UPDATE merchant_keys SET statement = (SELECT statement FROM merchant_keys o WHERE o.merchant = '${mine}' AND o.period = ${period + 2} AND o.retention = merchant_keys.retention) WHERE merchant = '${mine}' AND period = ${period}` },
  { name: 'a statement that nobody signed', sql: (mine) => `UPDATE merchant_keys SET statement = substr(statement, 1, length(statement) - 1) WHERE merchant = '${mine}'` },
]

for (const { name, sql } of swaps) {
  test(`a row with ${name} is not published`, async (t) => {
    const w = await world(t)
    const theirs = await w.test.tenant()
    w.test.db.exec(sql(w.tenant.merchant, theirs.merchant))
    await assert.rejects(published(w, [w.tenant]), { code: 'custodian/refused' })
    assert.equal(w.test.lastLog(1)[0]?.['reason'], 'key_unusable')
    assert.equal((await published(w, [theirs])).length, slots)
  })
}

test('private keys that were swapped between rows open nothing', async (t) => {
  const w = await world(t)
  const theirs = await w.test.tenant()
  const dataKey = await newDataKey(w.test, w.gateway, w.tenant)
  const dispatcher = await w.test.peer('dispatcher')
  w.test.db.exec(`
    UPDATE wrapped_keys SET wrapped = (
      SELECT o.wrapped FROM wrapped_keys o, merchant_keys m WHERE o.name = m.id AND m.merchant = '${theirs.merchant}' LIMIT 1
    ) WHERE name IN (SELECT id FROM merchant_keys WHERE merchant = '${w.tenant.merchant}')
  `)
  await assert.rejects(w.test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [sealedRecord(w.clock, dataKey, 'x')])), { code: 'custodian/refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'key_unusable')
})

test('a merchant key whose row was given another id is not used', async (t) => {
  const { test, clock } = await world(t)
  const id = newId('merchantKey', { clock, random: systemRandom })
  const row = test.db.prepare('SELECT id FROM merchant_keys LIMIT 1').get()
  test.db.prepare('UPDATE merchant_keys SET id = ? WHERE id = ?').run(id, String(row?.['id']))
  await assert.rejects(findMerchantKey(test.custodian, id), { code: 'custodian/key_unusable' })
})

test('of two keys made for one slot the first that is kept stands, and the other leaves nothing', async (t) => {
  const { test, tenant } = await world(t)
  const [slot] = keySlots([tenant], [period])
  assert.ok(slot)
  const rows = test.count('log')
  const key = await makeMerchantKey(test.custodian, slot)
  await test.commit((transaction) => insertMerchantKey(transaction, test.custodian, 'test', key))
  assert.equal(test.count('merchant_keys'), slots)
  assert.equal(test.count('log'), rows)
})

test('lists tenants for the gateway in pages of whole merchants', async (t) => {
  const { test, gateway, tenant } = await world(t)
  assert.deepEqual(await test.call(gateway.peer, '/v1/tenants', { after: null }), { tenants: [tenant] })
  const insert = test.db.prepare('INSERT INTO tenants VALUES (?, ?, 0)')
  const ids = Array.from({ length: 130 }, () => merchant()).toSorted()
  for (const id of ids) for (const world of ['test', 'live']) insert.run(id, world)
  const seen: Tenant[] = []
  for (let after: string | null = null, pages = 0; pages < 3; pages++) {
    const page: readonly Tenant[] = (await test.call(gateway.peer, '/v1/tenants', { after })).tenants
    assert.ok(page.length <= 256)
    seen.push(...page)
    after = page.at(-1)?.merchant ?? null
    if (pages < 1) assert.ok(page.length > 0)
  }
  assert.equal(new Set(seen.map(({ merchant: id, world }) => `${id}/${world}`)).size, 261)
})

test('a blind index is the custodian\'s half over the caller\'s half, one for each merchant', async (t) => {
  const { test, tenant } = await world(t)
  const dispatcher = await test.peer('dispatcher')
  const other = await test.tenant()
  const blinded = toBase64Url(blindOnce(new Secret(new Uint8Array(32)), '+256700000001'))
  const { indexes } = await test.call(dispatcher, '/v1/index', { ...tenant, blinded: [blinded, blinded] })
  const key = await unwrapKey({ store: test.store, root: test.custodian.root }, indexKeyLabel(tenant))
  const expected = key.expose((bytes) => createHmac('sha256', bytes)
    .update(lengthPrefixed('ngome/blind-index/v1', parseBase64Url(blinded) ?? new Uint8Array())).digest('base64url'))
  assert.deepEqual(indexes, [expected, expected])
  assert.notEqual((await test.call(dispatcher, '/v1/index', { ...other, blinded: [blinded] })).indexes[0], expected)
  assert.equal(test.lastLog(1)[0]?.['subject'], `${other.merchant}/test values=1`)
})

test('refuses to index for a stranger, what is not blinded, and past the budget', async (t) => {
  const { test, clock, tenant } = await world(t)
  const dispatcher = await test.peer('dispatcher')
  const blinded = [toBase64Url(new Uint8Array(32))]
  const attacks = [
    [{ merchant: merchant(), world: 'test', blinded }, 'tenant_unknown'],
    [{ ...tenant, world: 'live', blinded }, 'tenant_unknown'],
    [{ ...tenant, blinded: [...blinded, toBase64Url(Buffer.from('+256700000001'))] }, 'request_invalid'],
    [{ ...tenant, blinded: [] }, 'request_invalid'],
    [{ ...tenant, blinded: Array.from({ length: 65 }, () => blinded[0] ?? '') }, 'request_invalid'],
  ] as const
  for (const [body, reason] of attacks) {
    await assert.rejects(test.call(dispatcher, '/v1/index', { ...body, blinded: [...body.blinded] }), { code: 'custodian/refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], reason)
  }
  await test.call(dispatcher, '/v1/index', { ...tenant, blinded })
  test.db.prepare('UPDATE budgets SET used = ?').run(indexesPerHourMax)
  await assert.rejects(test.call(dispatcher, '/v1/index', { ...tenant, blinded }), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'purpose_budget_spent')
  clock.advance(3_600_000)
  await test.call(dispatcher, '/v1/index', { ...tenant, blinded })
})
