import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { hourMs, learn, networkOf, parseBaseline, type Baseline } from '@ngome/behaviour'
import { emit, type KeyKind } from '@ngome/contracts'
import { ManualClock, newId, systemClock, systemRandom, type ApiKeyId, type Tenant } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import {
  currentEventCursor, findApiKey, keepHouse, liftRestriction, listAlerts, listEvents, listRequests, loadBaseline, loadKeyHours, recordUsage, saveBaseline,
  setAnomalyPolicy, type Database, type UsageCounts,
} from '@ngome/store'
import { addTestMerchant, testDatabase, type TestDatabase } from '@ngome/testkit'
import { learnFromKeys } from './learn-from-keys.ts'
import { lookAtKeys } from './look-at-keys.ts'
import type { Watcher } from './raise-anomaly.ts'

const from = { clock: systemClock, random: systemRandom }
const signal = new AbortController().signal
const logger = createLogger({ process: 'dispatcher', level: 'fatal', destination: { write: () => undefined } })

let database: TestDatabase
let db: Database
let gateway: Database
let operator: Database
before(async () => {
  database = await testDatabase()
  db = database.open('ngome_dispatcher')
  gateway = database.open('ngome_gateway')
  operator = database.open('ngome_operator')
})
after(() => database.close())

type TestMerchant = { readonly tenant: Tenant; readonly keyId: ApiKeyId }

/** A merchant with the row of a key that nobody could prove. */
async function addMerchantWithKey(kind: KeyKind = 'secret'): Promise<TestMerchant> {
  const { tenant } = await addTestMerchant(database)
  const keyId = newId('apiKey', from)
  await database.asAdmin(
    `INSERT INTO ngome.api_keys (id, merchant, world, verifier, pepper_version, hint, created_at, proof, settings) VALUES ($1, $2, $3, $4, 1, 'test', now(), $5, $6)`,
    [keyId, tenant.merchant, tenant.world, systemRandom.bytes(32), systemRandom.bytes(96), { kind }])
  return { tenant, keyId }
}

const watcher = (over: Partial<Watcher> = {}): Watcher => ({ db, logger, random: systemRandom, clock: systemClock, onAnomaly: 'notify', ...over })
const ofKey = ({ tenant, keyId: apiKey }: TestMerchant) => ({ merchant: tenant.merchant, world: tenant.world, api_key: apiKey })
const minute = (atMs: number): string => new Date(atMs - atMs % 60_000).toISOString()

function counts(merchant: TestMerchant, over: Partial<UsageCounts>, atMs = systemClock.nowMs()): UsageCounts {
  return {
    ...ofKey(merchant), at: minute(atMs), operation: 'getPayment', requests: 0, refused: 0, failed: 0, not_found: 0, missed_ids: 0, payers: 0,
    unauthenticated: 0, unlogged: 0, latency_us: 0, latency_max_us: 0, ...over,
  }
}
const guessing = { requests: 60, refused: 60, not_found: 60, missed_ids: 58 }

async function record(merchant: TestMerchant, over: Partial<UsageCounts>, atMs = systemClock.nowMs(), address = '41.210.128.1', country = 'UG'): Promise<void> {
  const facet = { ...ofKey(merchant), at: minute(atMs), requests: over.requests ?? 0, amount_minor: '0' }
  await recordUsage(gateway, {
    counts: [counts(merchant, over, atMs)], lines: [],
    facets: over.requests === undefined ? [] : [{ ...facet, facet: 'address', value: address }, { ...facet, facet: 'country', value: country }],
  })
}

const alertsOf = ({ tenant }: TestMerchant) => listAlerts(gateway, tenant, { after: null, apiKey: null, limit: 10 })
const restrictionOf = async ({ keyId: apiKey }: TestMerchant) => (await findApiKey(gateway, apiKey))?.restriction?.restriction

/** A key that has been used at this hour of each day for six weeks. */
function learned(): Baseline {
  const nowMs = systemClock.nowMs() - systemClock.nowMs() % hourMs
  let baseline: Baseline | undefined
  for (let day = 42; day > 0; day--) {
    baseline = learn(baseline, {
      hourMs: nowMs - day * 24 * hourMs, operations: { getPayment: 10 }, refused: 0, notFound: 0, missedIds: 0,
      countries: { UG: 10 }, networks: { [networkOf('41.210.128.1') ?? '']: 10 }, amounts: {},
    })
  }
  assert.ok(baseline)
  return baseline
}

test('guessing of ids is raised once, as alert and event, and nothing is done where policy says so', async () => {
  const merchant = await addMerchantWithKey()
  const cursor = await currentEventCursor(operator)
  await record(merchant, guessing)
  const seen = new Map<string, number>()
  for (let look = 0; look < 3; look++) {
    seen.clear()
    await lookAtKeys(watcher(), seen, signal)
  }
  const [alert, ...more] = await alertsOf(merchant)
  assert.equal(more.length, 0)
  assert.deepEqual([alert?.kind, alert?.response, alert?.apiKey], ['enumeration', 'notify', merchant.keyId])
  const { events } = await listEvents(operator, { after: cursor, limit: 100 })
  const [event, ...others] = events.filter(({ merchant: of }) => of === merchant.tenant.merchant)
  assert.deepEqual([event?.type, event?.severity, event?.data['alert'], others.length], ['api_key.misuse', 'alarm', alert?.id, 0])
  assert.equal(await restrictionOf(merchant), undefined)
})

test('the operator\u2019s word for the merchant comes before the configuration\u2019s, and gateways learn what was done', async () => {
  const merchant = await addMerchantWithKey()
  const other = await addMerchantWithKey()
  const changed = emit({ ...from, process: 'operator' }, 'merchant.anomaly_policy_changed', { merchant: merchant.tenant.merchant, world: null }, { world: 'test', on_anomaly: 'suspend' })
  assert.equal(await setAnomalyPolicy(operator, merchant.tenant, 'suspend', changed), 'changed')
  await Promise.all([record(merchant, guessing), record(other, guessing)])
  await lookAtKeys(watcher({ onAnomaly: 'throttle' }), new Map(), signal)
  assert.deepEqual([await restrictionOf(merchant), await restrictionOf(other)], ['suspend', 'throttle'])
  assert.deepEqual((await alertsOf(merchant)).map(({ response }) => response), ['suspend'])
  const lifted = emit({ ...from, process: 'operator' }, 'api_key.unrestricted', merchant.tenant, { key: merchant.keyId })
  assert.equal(await liftRestriction(operator, merchant.tenant, merchant.keyId, systemClock.nowMs(), lifted), 'lifted')
  assert.equal(await restrictionOf(merchant), undefined)
  assert.equal(await liftRestriction(operator, other.tenant, merchant.keyId, systemClock.nowMs(), lifted), 'none')
})

test('failed authentications tell the merchant and never restrict its key, whoever sends them', async () => {
  const merchant = await addMerchantWithKey()
  await record(merchant, { unauthenticated: 40 })
  await lookAtKeys(watcher({ onAnomaly: 'suspend' }), new Map(), signal)
  assert.deepEqual((await alertsOf(merchant)).map(({ kind, response, evidence }) => [kind, response, evidence]),
    [['failed_authentications', 'notify', { failed: 40 }]])
  assert.equal(await restrictionOf(merchant), undefined)
})

test('who takes the publishable key out of a page cannot have it restricted, nor raise an alarm with it', async () => {
  const merchant = await addMerchantWithKey('publishable')
  const { tenant, keyId: apiKey } = merchant
  const baseline = learned()
  await saveBaseline(db, tenant, apiKey, { state: baseline, learnedToMs: baseline.lastMs + hourMs }, null)
  const cursor = await currentEventCursor(operator)
  await record(merchant, { requests: 5_000, refused: 5_000, not_found: 3_000, missed_ids: 2_000 }, systemClock.nowMs(), '196.192.73.1', 'TZ')
  await lookAtKeys(watcher({ onAnomaly: 'suspend' }), new Map(), signal)
  const alerts = await alertsOf(merchant)
  assert.ok(alerts.length > 0 && alerts.every(({ response }) => response === 'notify'))
  assert.ok(alerts.every(({ kind }) => kind === 'enumeration' || kind === 'volume'), 'where visitors are says nothing of the key')
  const { events } = await listEvents(operator, { after: cursor, limit: 100 })
  const types = new Set(events.filter(({ merchant: of }) => of === tenant.merchant).map(({ type }) => type))
  assert.deepEqual(types, new Set(['api_key.anomaly']))
  const { rows } = await db.pool.query('SELECT ngome.restrict_api_key($1, $2, $3) AS result', [apiKey, 'suspend', new Date(systemClock.nowMs() + hourMs)])
  assert.deepEqual(rows, [{ result: 'refused' }], 'nor can who has the dispatcher\u2019s role')
  assert.equal(await restrictionOf(merchant), undefined)
})

test('what is usual is learned from whole hours, once, and what is not is told with its reason', async () => {
  const merchant = await addMerchantWithKey()
  const { tenant, keyId: apiKey } = merchant
  const baseline = learned()
  await saveBaseline(db, tenant, apiKey, { state: baseline, learnedToMs: baseline.lastMs + hourMs }, null)
  const hourAgo = systemClock.nowMs() - 3 * hourMs
  await record(merchant, { requests: 12 }, hourAgo)
  await learnFromKeys(watcher(), signal)
  await learnFromKeys(watcher(), signal)
  const after = parseBaseline((await loadBaseline(db, tenant, apiKey))?.state)
  assert.ok(after !== undefined && after.hours >= baseline.hours && after.lastMs > baseline.lastMs)
  await record(merchant, { requests: 5 }, systemClock.nowMs(), '196.192.73.1', 'TZ')
  await lookAtKeys(watcher(), new Map(), signal)
  const alert = (await alertsOf(merchant)).find(({ kind }) => kind === 'new_country')
  assert.match(alert?.reason ?? '', /^first requests from TZ; in the \d+ days before, only from UG$/)
})

test('what was learned is replaced only from where it was learned, and what cannot be read begins anew', async () => {
  const { tenant, keyId: apiKey } = await addMerchantWithKey()
  assert.equal(await saveBaseline(db, tenant, apiKey, { state: { version: 0 }, learnedToMs: 1_000 }, null), true)
  assert.equal(await saveBaseline(db, tenant, apiKey, { state: {}, learnedToMs: 2_000 }, 500), false)
  assert.equal(parseBaseline((await loadBaseline(db, tenant, apiKey))?.state), undefined)
})

test('who has the dispatcher\u2019s role suspends ten keys in an hour, restricts for a day at most, and lifts nothing', async () => {
  const merchants = []
  for (let count = 0; count < 12; count++) merchants.push(await addMerchantWithKey())
  const restrict = async (key: string, to: string, hours: number): Promise<unknown> => {
    const { rows } = await db.pool.query('SELECT ngome.restrict_api_key($1, $2, $3) AS result', [key, to, new Date(systemClock.nowMs() + hours * hourMs)])
    return (rows[0] as { result: string }).result
  }
  const first = merchants[0]?.keyId ?? ''
  assert.deepEqual([await restrict(first, 'suspend', 30), await restrict(first, 'suspend', -1), await restrict(first, 'delete', 1)], ['refused', 'refused', 'refused'])
  assert.equal(await restrict(newId('apiKey', from), 'suspend', 1), 'unknown')
  const results = []
  for (const { keyId: apiKey } of merchants) results.push(await restrict(apiKey, 'suspend', 1))
  assert.ok(results.includes('restricted') && results.at(-1) === 'bounded', results.join(' '))
  assert.ok(results.filter((result) => result === 'restricted').length <= 10)
  assert.equal(await restrict(first, 'throttle', 1), 'already', 'a weaker one undoes nothing')
  for (const sql of ['DELETE FROM ngome.api_key_restrictions', 'UPDATE ngome.api_key_restrictions SET ends_at = now()', 'UPDATE ngome.revocation_counter SET value = 0']) {
    await assert.rejects(db.pool.query(sql), /permission denied/)
  }
})

test('a suspension past its bound is not claimed: the alert says what was done', async () => {
  const merchant = await addMerchantWithKey()
  await record(merchant, guessing)
  await lookAtKeys(watcher({ onAnomaly: 'suspend' }), new Map(), signal)
  assert.deepEqual((await alertsOf(merchant)).map(({ response }) => response), ['notify'])
})

test('minutes become hours with the same sums, and old days of the log are dropped', async () => {
  const merchant = await addMerchantWithKey()
  const { tenant, keyId: apiKey } = merchant
  const old = systemClock.nowMs() - 20 * 24 * hourMs
  const noon = old - old % hourMs
  for (let at = 0; at < 3; at++) await record(merchant, { requests: 7, refused: 1, latency_us: 10, latency_max_us: at }, noon + at * 60_000)
  const line = {
    ...ofKey(merchant), id: newId('request', { ...from, clock: new ManualClock(old) }), operation: 'getPayment', status: 200, fault: null, latency_us: 5,
    address: null, country: null, agent: null,
  }
  await recordUsage(gateway, { counts: [], facets: [], lines: [{ ...line, at: new Date(old).toISOString() }, { ...line, id: newId('request', from), at: new Date().toISOString() }] })
  await keepHouse(db, { requestLogDays: 10, minuteDays: 7, hourDays: 400 })
  assert.deepEqual(await loadKeyHours(db, tenant, apiKey, { fromMs: noon, untilMs: noon + hourMs }), [])
  const rows = await database.asAdmin(`SELECT grain, requests::int, refused::int, latency_us::int, latency_max_us::int FROM ngome.api_key_usage WHERE api_key = $1 AND at < now() - interval '10 days'`, [apiKey])
  assert.deepEqual(rows, [{ grain: 'hour', requests: 21, refused: 3, latency_us: 30, latency_max_us: 2 }])
  const log = await listRequests(gateway, tenant, { after: null, limit: 10, apiKey: null, status: null, operation: null, fromMs: null, toMs: null })
  assert.equal(log.length, 1)
})
