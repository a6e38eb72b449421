import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  generateMerchantKeyPair, makeDataKey, openRecord, parseBlob, signStatement, suites, verifyStatement, type DataKey,
  type SuiteName, type VerifiedStatement,
} from '@ngome/envelope'
import { ManualClock, newId, parseBase64Url, Secret, systemRandom, type Tenant } from '@ngome/kernel'
import { configSchema } from '@ngome/runtime'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'
import { findMerchantKey } from './merchant-keys.ts'

const dayMs = 86_400_000
const startMs = 1_800_000_000_000

type World = { test: TestCustodian; clock: ManualClock; gateway: Gateway; dispatcher: Peer; tenant: Tenant }

async function world(t: { after(fn: () => void): void }, merchantKeySuite: SuiteName): Promise<World> {
  const clock = new ManualClock(startMs)
  const test = await TestCustodian.open({ clock, settings: { merchantKeySuite } })
  t.after(() => test.remove())
  return { test, clock, gateway: await test.gateway(), dispatcher: await test.peer('dispatcher'), tenant: await test.tenant() }
}

async function published({ test, gateway, tenant }: World): Promise<readonly VerifiedStatement[]> {
  const { statements } = await test.call(gateway.peer, '/v1/merchant-keys', { tenants: [tenant] })
  return statements.map((text) => verifyStatement(parseBase64Url(text) ?? new Uint8Array(), test.custodian.statementKey.publicKey))
}

async function opened({ test, dispatcher, clock }: World, dataKey: DataKey): Promise<string> {
  const record = sealedRecord(clock, dataKey, 'what the payer said')
  const { keys } = await test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [record]))
  return Buffer.from(openRecord(new Secret(parseBase64Url(keys[0] ?? '') ?? new Uint8Array()), record.blob)).toString()
}

test('every suite that may be selected is one of the configuration\'s words, the default among them', () => {
  const suiteOf = (keys: object) => configSchema.parse({ dataDir: '/tmp', keys }).keys.suite
  for (const [name, { status }] of Object.entries(suites)) {
    if (status === 'opens-only') assert.throws(() => suiteOf({ suite: name }))
    else assert.equal(suiteOf({ suite: name }), name)
    if (status === 'default') assert.equal(suiteOf({}), name)
  }
  for (const suite of ['classic', 'Hybrid', '', 2]) assert.throws(() => suiteOf({ suite }), /must be hybrid or fips/)
})

for (const suite of ['hybrid', 'fips'] as const) {
  test(`a custodian set to ${suite} makes its keys in it, and opens what gateways seal to them`, async (t) => {
    const w = await world(t, suite)
    assert.deepEqual(new Set((await published(w)).map((statement) => statement.suite)), new Set([suite]))
    const dataKey = await newDataKey(w.test, w.gateway, w.tenant)
    assert.equal(dataKey.suite, suite)
    assert.equal(await opened(w, dataKey), 'what the payer said')
  })
}

test('after a change of suite old keys keep theirs, periods not yet published get the new one, and both open', async (t) => {
  const w = await world(t, 'hybrid')
  const before = await newDataKey(w.test, w.gateway, w.tenant)
  const ids = (await published(w)).map(({ keyId }) => keyId)
  await w.test.reopen({ merchantKeySuite: 'fips' })
  assert.deepEqual((await published(w)).map(({ keyId, suite }) => [keyId, suite]), ids.map((id) => [id, 'hybrid']))
  w.clock.advance(dayMs)
  const side = await published({ ...w, gateway: await w.test.gateway() })
  assert.deepEqual([...new Set(side.map(({ suite }) => suite))].toSorted(), ['fips', 'hybrid'])
  // Into the first period of the new suite, and less than the 72 hours that the old data key opens for.
  w.clock.advance(dayMs * 1.9)
  const gateway = await w.test.gateway()
  const statement = (await published({ ...w, gateway })).find(({ suite, retention, notBeforeMs }) =>
    suite === 'fips' && retention === 'payment' && notBeforeMs <= w.clock.nowMs())
  assert.ok(statement)
  const after = await makeDataKey({
    statement, signer: { id: gateway.signerId, privateKey: gateway.privateKey }, clock: w.clock, random: systemRandom,
  })
  const now: World = { ...w, dispatcher: await w.test.peer('dispatcher') }
  assert.equal(await opened(now, after), 'what the payer said')
  assert.equal(await opened(now, before), 'what the payer said')
})

test('a gateway that seals in another suite than the merchant key\'s is refused, before any key is unwrapped', async (t) => {
  for (const suite of ['hybrid', 'fips'] as const) {
    const w = await world(t, suite)
    const other = suite === 'hybrid' ? 'fips' : 'hybrid'
    const statement = (await published(w)).find(({ retention, notBeforeMs }) => retention === 'payment' && notBeforeMs <= startMs)
    assert.ok(statement)
    // An enrolled gateway gone wrong: it states to itself a key of the other suite under this merchant key's id.
    const { privateKey } = w.test.custodian.statementKey
    const { publicKey } = await generateMerchantKeyPair(other)
    const own = verifyStatement(signStatement({ ...statement, suite: other, publicKey }, privateKey), w.test.custodian.statementKey.publicKey)
    const dataKey = await makeDataKey({
      statement: own, signer: { id: w.gateway.signerId, privateKey: w.gateway.privateKey }, clock: w.clock, random: systemRandom,
    })
    w.test.db.exec(`DELETE FROM wrapped_keys WHERE purpose = 'merchant'`)
    await assert.rejects(opened(w, dataKey), { code: 'custodian/refused' })
    assert.equal(w.test.lastLog(1)[0]?.['reason'], 'data_key_misplaced')
  }
})

test('a row that was given a statement of another suite, even one of ours, is not used', async (t) => {
  const w = await world(t, 'hybrid')
  const statement = (await published(w))[0]
  assert.ok(statement)
  const dataKey = await newDataKey(w.test, w.gateway, w.tenant)
  const { publicKey } = await generateMerchantKeyPair('fips')
  const keyId = newId('merchantKey', { clock: w.clock, random: systemRandom })
  const ours = signStatement({ ...statement, keyId, suite: 'fips', publicKey }, w.test.custodian.statementKey.privateKey)
  w.test.db.prepare('UPDATE merchant_keys SET statement = ?').run(ours)
  await assert.rejects(findMerchantKey(w.test.custodian, statement.keyId), { code: 'custodian/key_unusable' })
  await assert.rejects(opened(w, dataKey), { code: 'custodian/refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'key_unusable')
})

test('a record whose second byte was changed opens no more, in either direction', async (t) => {
  for (const suite of ['hybrid', 'fips'] as const) {
    const w = await world(t, suite)
    const dataKey = await newDataKey(w.test, w.gateway, w.tenant)
    const record = sealedRecord(w.clock, dataKey, 'x')
    record.blob[1] = suites[suite === 'hybrid' ? 'fips' : 'hybrid'].number
    assert.ok(parseBlob(record.blob), 'it parses: the custodian is who refuses')
    await assert.rejects(w.test.call(w.dispatcher, '/v1/open', openRequest(dataKey.sealed, [record])), { code: 'custodian/refused' })
    assert.equal(w.test.lastLog(1)[0]?.['reason'], 'suite_differs')
  }
})
