import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { encodeRecordContext, openRecord, parseSealedDataKey, type SealedDataKey, type SuiteName } from '@ngome/envelope'
import { Fault, ManualClock, newId, parseBase64Url, Secret, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { newDataKey, openRequest, sealedRecord, type SealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'
import { checkOpening } from './check-opening.ts'
import { openDataKey } from './open-data-key.ts'
import { purposeRules } from './purposes.ts'

const hourMs = 3_600_000
const startMs = 1_800_000_000_000

type World = { test: TestCustodian; clock: ManualClock; gateway: Gateway; dispatcher: Peer; tenant: Tenant }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(startMs)
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  return { test, clock, gateway: await test.gateway(), dispatcher: await test.peer('dispatcher'), tenant: await test.tenant() }
}

function opened(key: string | undefined, record: SealedRecord): string {
  const bytes = parseBase64Url(key ?? '') ?? new Uint8Array()
  return Buffer.from(openRecord(new Secret(bytes), record.blob)).toString()
}

type OpenBody = ReturnType<typeof openRequest> & { purpose: 'dispatch' | 'webhook-secret' | 'callback-hint' }

test('gives the dispatcher the keys of single records, and nothing but 64 bytes for each', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const records = ['one', 'two', 'three'].map((text) => sealedRecord(test.clock, dataKey, text))
  const { keys } = await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, records))
  assert.deepEqual(keys.map((key, at) => opened(key, records[at] as SealedRecord)), ['one', 'two', 'three'])
  assert.deepEqual(keys.map((key) => parseBase64Url(key)?.length), [64, 64, 64])
  const raw = dataKey.key.export()
  for (const key of keys) assert.equal(Buffer.from(key, 'base64url').includes(raw), false)
})

test('writes each opening into the log with caller, purpose and record', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const records = [sealedRecord(test.clock, dataKey, 'a'), sealedRecord(test.clock, dataKey, 'b')]
  await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, records))
  for (const [at, row] of test.lastLog(2).entries()) {
    assert.equal(row['caller'], `dispatcher/${dispatcher.serial}`)
    assert.equal(row['operation'], '/v1/open')
    assert.equal(row['outcome'], 'allowed')
    const { recordId } = (records[at] as SealedRecord).context
    assert.equal(row['subject'], `dispatch ${tenant.merchant}/test/payments/${recordId}/v1 ${dataKey.id} 1/2`)
  }
})

test('opens nothing that it cannot record', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const record = sealedRecord(test.clock, dataKey, 'a')
  test.db.exec(`CREATE TRIGGER full BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
  await assert.rejects(test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record])))
  test.db.exec('DROP TRIGGER full')
  assert.equal(test.count('budgets'), 0)
})

type Attack = {
  readonly name: string
  readonly reason: string
  /** Changes what is sent, from a body that would be opened. */
  readonly forge: (body: OpenBody, w: World, sealed: Uint8Array, record: SealedRecord) => unknown
  readonly before?: (w: World) => void
}

const context = (record: SealedRecord, change: object, suite: SuiteName = 'hybrid') =>
  [{ dataKey: 0, context: toBase64Url(encodeRecordContext({ ...record.context, ...change }, suite)), salt: record.salt }]

const flipped = (bytes: Uint8Array, at: number) => {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return toBase64Url(copy)
}

const other = () => newId('merchant', { clock: new ManualClock(startMs), random: systemRandom })

const attacks: readonly Attack[] = [
  { name: 'a record of another table', reason: 'table_not_permitted', forge: (b, _w, _s, r) => ({ ...b, records: context(r, { table: 'webhook_endpoints' }) }) },
  { name: 'a record of another class', reason: 'class_not_permitted', forge: (b, _w, _s, r) => ({ ...b, records: context(r, { dataClass: 'confidential' }) }) },
  { name: 'another merchant in the context', reason: 'tenant_differs', forge: (b, _w, _s, r) => ({ ...b, records: context(r, { tenant: { merchant: other(), world: 'test' } }) }) },
  { name: 'the other world in the context', reason: 'tenant_differs', forge: (b, _w, _s, r) => ({ ...b, records: context(r, { tenant: { ...r.context.tenant, world: 'live' } }) }) },
  { name: 'the other suite in the context', reason: 'suite_differs', forge: (b, _w, _s, r) => ({ ...b, records: context(r, {}, 'fips') }) },
  { name: 'another purpose, whose table it is not', reason: 'table_not_permitted', forge: (b) => ({ ...b, purpose: 'callback-hint' }) },
  { name: 'a data key of another retention class', reason: 'retention_not_permitted', forge: (b, _w, _s, r) => ({ ...b, purpose: 'webhook-secret', records: context(r, { table: 'webhook_endpoints' }) }) },
  { name: 'a data key that is not one', reason: 'data_key_malformed', forge: (b) => ({ ...b, dataKeys: ['AAAA'] }) },
  { name: 'a data key cut short', reason: 'data_key_malformed', forge: (b, _w, s) => ({ ...b, dataKeys: [toBase64Url(s.subarray(1))] }) },
  { name: 'a data key far too long', reason: 'data_key_malformed', forge: (b) => ({ ...b, dataKeys: ['A'.repeat(8_000)] }) },
  { name: 'a data key with a flipped bit in its ciphertext', reason: 'data_key_unopenable', forge: (b, _w, s) => ({ ...b, dataKeys: [flipped(s, s.length - 100)] }) },
  { name: 'a data key with a flipped bit in its signature', reason: 'data_key_unopenable', forge: (b, _w, s) => ({ ...b, dataKeys: [flipped(s, s.length - 1)] }) },
  { name: 'a data key that no record uses', reason: 'data_key_unused', forge: (b) => ({ ...b, dataKeys: [...b.dataKeys, ...b.dataKeys] }) },
  { name: 'a record without its data key', reason: 'request_invalid', forge: (b) => ({ ...b, records: b.records.flatMap((r) => [r, { ...r, dataKey: 1 }]) }) },
  { name: 'a context that is not one', reason: 'request_invalid', forge: (b) => ({ ...b, records: b.records.map((r) => ({ ...r, context: 'AAAA' })) }) },
  { name: 'a context far too long', reason: 'request_invalid', forge: (b) => ({ ...b, records: b.records.map((r) => ({ ...r, context: 'A'.repeat(2_000) })) }) },
  { name: 'a salt of another length', reason: 'request_invalid', forge: (b) => ({ ...b, records: b.records.map((r) => ({ ...r, salt: 'AAAA' })) }) },
  { name: 'a salt that is not canonical base64url', reason: 'request_invalid', forge: (b) => ({ ...b, records: b.records.map((r) => ({ ...r, salt: `${r.salt.slice(0, -1)}_` })) }) },
  { name: 'a purpose that there is not', reason: 'request_invalid', forge: (b) => ({ ...b, purpose: 'curiosity' }) },
  { name: 'a field that there is not', reason: 'request_invalid', forge: (b) => ({ ...b, force: true }) },
  { name: 'no record', reason: 'request_invalid', forge: (b) => ({ ...b, records: [] }) },
  { name: '65 records', reason: 'request_invalid', forge: (b) => ({ ...b, records: Array.from({ length: 65 }, () => b.records[0]) }) },
  { name: 'no body', reason: 'request_invalid', forge: () => null },
  { name: 'a data key of 72 hours', reason: 'data_key_too_old', forge: (b) => b, before: ({ clock }) => clock.advance(72 * hourMs) },
  { name: 'a data key from the future', reason: 'data_key_from_future', forge: (b) => b, before: ({ clock }) => clock.advance(-61_000) },
  { name: 'a signer that was removed', reason: 'signer_unknown', forge: (b) => b, before: ({ test }) => test.db.exec('DELETE FROM signers') },
  { name: 'a merchant key that was destroyed', reason: 'merchant_key_unknown', forge: (b) => b, before: ({ test }) => test.db.exec('DELETE FROM merchant_keys') },
  { name: 'a private key that was destroyed', reason: 'key_unusable', forge: (b) => b, before: ({ test }) => test.db.exec(`DELETE FROM wrapped_keys WHERE purpose = 'merchant'`) },
]

for (const { name, reason, forge, before } of attacks) {
  test(`refuses ${name}, and records why`, async (t) => {
    const w = await world(t)
    const dataKey = await newDataKey(w.test, w.gateway, w.tenant)
    const record = sealedRecord(w.test.clock, dataKey, 'secret')
    before?.(w)
    // The certificate of a day would have ended; its holder has renewed it meanwhile.
    const peer = reason === 'data_key_too_old' ? await w.test.peer('dispatcher') : w.dispatcher
    const body = forge(openRequest(dataKey.sealed, [record]), w, dataKey.sealed, record) as OpenBody
    await assert.rejects(w.test.call(peer, '/v1/open', body), { code: 'custodian/refused' })
    const [row] = w.test.lastLog(1)
    assert.equal(row?.['outcome'], 'refused')
    assert.equal(row?.['reason'], reason)
    assert.equal(w.test.count('budgets'), 0)
  })
}

test('opens a data key a moment before it is 72 hours old', async (t) => {
  const { test, clock, gateway, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  clock.advance(72 * hourMs - 1)
  const record = sealedRecord(test.clock, dataKey, 'old')
  const { keys } = await test.call(await test.peer('dispatcher'), '/v1/open', openRequest(dataKey.sealed, [record]))
  assert.equal(opened(keys[0], record), 'old')
})

test('opens a webhook secret however old its data key is', async (t) => {
  const { test, clock, gateway, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant, { retention: 'credential' })
  const record = sealedRecord(test.clock, dataKey, 'whsec', { table: 'webhook_endpoints', recordId: 'whe_1' })
  clock.advance(400 * 24 * hourMs)
  const body = { ...openRequest(dataKey.sealed, [record]), purpose: 'webhook-secret' as const }
  const { keys } = await test.call(await test.peer('dispatcher'), '/v1/open', body)
  assert.equal(opened(keys[0], record), 'whsec')
})

test('opens a callback hint', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const record = sealedRecord(test.clock, dataKey, 'hint', { table: 'callback_hints', recordId: 'cbh_1' })
  const body = { ...openRequest(dataKey.sealed, [record]), purpose: 'callback-hint' as const }
  assert.equal(opened((await test.call(dispatcher, '/v1/open', body)).keys[0], record), 'hint')
})

test('refuses a data key that another key than the enrolled one signed', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const forged = { ...gateway, privateKey: generateKeyPairSync('ed25519').privateKey }
  const dataKey = await newDataKey(test, forged, tenant)
  const body = openRequest(dataKey.sealed, [sealedRecord(test.clock, dataKey, 'x')])
  await assert.rejects(test.call(dispatcher, '/v1/open', body), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'data_key_unopenable')
})

test('refuses a data key from before its signer was enrolled', async (t) => {
  const { test, clock, gateway, dispatcher, tenant } = await world(t)
  clock.advance(hourMs)
  const late = await test.gateway()
  const early = new ManualClock(clock.nowMs() - 61_000)
  const dataKey = await newDataKey(test, { ...gateway, signerId: late.signerId, privateKey: late.privateKey }, tenant, { clock: early })
  const body = openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')])
  await assert.rejects(test.call(dispatcher, '/v1/open', body), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'signer_not_valid_then')
})

test('refuses a data key of one merchant sealed to the merchant key of another', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const victim = await test.tenant()
  const dataKey = await newDataKey(test, gateway, tenant)
  // The row of the key now holds the other merchant's genuine statement.
  test.db.prepare('UPDATE merchant_keys SET statement = (SELECT statement FROM merchant_keys WHERE merchant = ? LIMIT 1) WHERE merchant = ?')
    .run(victim.merchant, tenant.merchant)
  const body = openRequest(dataKey.sealed, [sealedRecord(test.clock, dataKey, 'x')])
  await assert.rejects(test.call(dispatcher, '/v1/open', body), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'key_unusable')
})

test('refuses a data key that was made after its merchant key had ended', async (t) => {
  const { test, clock, gateway, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const parts = parseSealedDataKey(dataKey.sealed)
  assert.ok(parts)
  const late = { ...parts, createdAtMs: clock.nowMs() + 30 * hourMs }
  await assert.rejects(openDataKey(test.custodian, dataKey.sealed, late), { reason: 'data_key_misplaced' })
})

test('opens one record twelve times and not a thirteenth, also when it is sealed anew', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const record = sealedRecord(test.clock, dataKey, 'x')
  const again = sealedRecord(test.clock, dataKey, 'y', { recordId: record.context.recordId, version: 2 })
  for (let at = 0; at < 11; at++) await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record]))
  await assert.rejects(test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record, again])), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'record_budget_spent')
  await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [again]))
  await assert.rejects(test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record])), { code: 'custodian/refused' })
})

test('a spent budget stays spent across a restart', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const record = sealedRecord(test.clock, dataKey, 'x')
  for (let at = 0; at < 12; at++) await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record]))
  await test.reopen()
  await assert.rejects(test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record])), { code: 'custodian/refused' })
})

test('a call opens all of its records or none, and then counts none', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const spent = sealedRecord(test.clock, dataKey, 'spent')
  for (let at = 0; at < 12; at++) await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [spent]))
  const fresh = sealedRecord(test.clock, dataKey, 'fresh')
  const rows = test.count('log')
  await assert.rejects(test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [fresh, spent])), { code: 'custodian/refused' })
  assert.equal(test.count('log'), rows + 1)
  for (let at = 0; at < 12; at++) await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [fresh]))
})

test('the budget of an hour holds for all records together', async (t) => {
  const { test, clock, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const body = openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')])
  await test.call(dispatcher, '/v1/open', body)
  test.db.prepare(`UPDATE budgets SET used = ? WHERE subject = '*'`).run(purposeRules.dispatch.perHourMax)
  await assert.rejects(test.call(dispatcher, '/v1/open', body), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'purpose_budget_spent')
  clock.advance(hourMs)
  await test.call(dispatcher, '/v1/open', body)
})

test('many calls at once are all logged, under one data key that is opened once', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const records = Array.from({ length: 40 }, (_, at) => sealedRecord(test.clock, dataKey, String(at)))
  const rows = test.count('log')
  const answers = await Promise.all(records.map((record) => test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record]))))
  assert.deepEqual(answers.map(({ keys }, at) => opened(keys[0], records[at] as SealedRecord)), records.map((_, at) => String(at)))
  assert.equal(test.count('log'), rows + 40)
  assert.equal(test.custodian.dataKeys.size, 1)
})

test('a data key in the cache does not outlive its age', async (t) => {
  const { test, clock, gateway, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const body = openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')])
  clock.advance(72 * hourMs - 10)
  const dispatcher = await test.peer('dispatcher')
  await test.call(dispatcher, '/v1/open', body)
  clock.advance(10)
  await assert.rejects(test.call(dispatcher, '/v1/open', body), { code: 'custodian/refused' })
})

test('a purpose is its caller\'s alone', () => {
  const rule = purposeRules.dispatch
  const w = { merchant: other(), world: 'test' } as const
  const at = { suite: 'hybrid', tenant: w, table: 'payments', recordId: 'pay_1', dataClass: 'restricted', version: 1 } as const
  const key = { suite: 'hybrid', tenant: w, retention: 'payment', createdAtMs: startMs } as SealedDataKey
  for (const role of ['gateway', 'operator', 'custodian'] as const) {
    assert.equal(checkOpening(rule, { role, serial: '01' }, at, key, startMs), 'purpose_not_permitted')
  }
  assert.equal(checkOpening(rule, { role: 'dispatcher', serial: '01' }, at, key, startMs), null)
})

test('work that is older than 72 hours is enquired about, in a budget of its own, for a week', async (t) => {
  const { test, clock, gateway, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const record = sealedRecord(test.clock, dataKey, 'x')
  const open = async (purpose: 'dispatch' | 'enquiry') => (
    test.call(await test.peer('dispatcher'), '/v1/open', { ...openRequest(dataKey.sealed, [record]), purpose })
  )
  clock.advance(72 * hourMs)
  await assert.rejects(open('dispatch'), { code: 'custodian/refused' })
  for (let at = 0; at < 4; at++) assert.equal(opened((await open('enquiry')).keys[0], record), 'x')
  await assert.rejects(open('enquiry'), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'record_budget_spent')
  clock.advance(96 * hourMs)
  await assert.rejects(open('enquiry'), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'data_key_too_old')
  assert.ok(purposeRules.enquiry.perHourMax * 100 <= purposeRules.dispatch.perHourMax)
})

test('the purposes table is the dispatcher\'s alone, finite, and for restricted records', () => {
  for (const rule of Object.values(purposeRules)) {
    assert.equal(rule.caller, 'dispatcher')
    assert.equal(rule.dataClass, 'restricted')
    assert.ok(Number.isInteger(rule.perRecord.timesMax) && rule.perRecord.timesMax > 0)
    assert.ok(Number.isInteger(rule.perHourMax) && rule.perHourMax > 0)
    // The count of a record must not begin anew while its data key still opens.
    if (rule.dataKeyAgeMsMax !== null) assert.ok(rule.perRecord.windowMs >= rule.dataKeyAgeMsMax)
  }
})

test('a refused opening looks the same whatever the reason', async (t) => {
  const { test, gateway, dispatcher, tenant } = await world(t)
  const dataKey = await newDataKey(test, gateway, tenant)
  const record = sealedRecord(test.clock, dataKey, 'x')
  const seen = new Set<string>()
  for (const dataKeys of [['AAAA'], [flipped(dataKey.sealed, dataKey.sealed.length - 1)]]) {
    await assert.rejects(test.call(dispatcher, '/v1/open', { ...openRequest(dataKey.sealed, [record]), dataKeys }), (fault) => {
      assert.ok(fault instanceof Fault)
      seen.add(JSON.stringify(fault.row))
      return true
    })
  }
  assert.equal(seen.size, 1)
})
