import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { ManualClock, newId, Secret, systemRandom } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { openDatabase, type Database } from '@ngome/store'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import { alarmOnSpentBudget } from './alarm-on-spent-budget.ts'
import type { Opening, OpenSealed, SealedRecord } from './open-sealed.ts'

const clock = new ManualClock(Date.now())
const from = { clock, random: systemRandom }
const record: SealedRecord = {
  dataKey: new Uint8Array(), blob: new Uint8Array(),
  context: {
    tenant: { merchant: newId('merchant', from), world: 'test' }, table: 'payments', recordId: newId('payment', from),
    dataClass: 'restricted', version: 1,
  },
}
const spent: Opening = { kind: 'later', reason: 'budget_spent' }

let database: TestDatabase
let db: Database
before(async () => {
  database = await testDatabase()
  db = database.open('ngome_dispatcher')
})
after(() => database.close())
beforeEach(() => { clock.advance(86_400_000) })

const openerThatSays = (opening: Opening, to = db): OpenSealed =>
  alarmOnSpentBudget(async () => opening, { ...from, db: to, logger: createLogger({ process: 'dispatcher', level: 'fatal' }) })
const ask = (open: OpenSealed, purpose: 'dispatch' | 'webhook-secret' = 'dispatch'): Promise<Opening> =>
  open(purpose, record, new AbortController().signal)
const alarms = async (): Promise<readonly unknown[]> => {
  const rows = await database.asAdmin(`SELECT severity, merchant, data FROM ngome.events WHERE type = 'custodian.budget_spent'
    AND at > to_timestamp(${(clock.nowMs() - 43_200_000) / 1_000}) ORDER BY at`)
  return rows.map(({ severity, merchant, data }) => [severity, merchant, data])
}
const alarm = (purpose: string): unknown => ['alarm', null, { purpose }]

describe('a spent budget', () => {
  test('is an alarm at once, one for many payments that wait, and they go on waiting', async () => {
    const open = openerThatSays(spent)
    for (const opening of await Promise.all(Array.from({ length: 50 }, () => ask(open)))) assert.equal(opening, spent)
    assert.deepEqual(await alarms(), [alarm('dispatch')])
  })
  test('is an alarm again after an hour, not before', async () => {
    const open = openerThatSays(spent)
    await ask(open)
    clock.advance(3_599_999)
    await ask(open)
    assert.equal((await alarms()).length, 1)
    clock.advance(1)
    await ask(open)
    assert.equal((await alarms()).length, 2)
  })
  test('of another purpose is another alarm', async () => {
    const open = openerThatSays(spent)
    await ask(open)
    await ask(open, 'webhook-secret')
    assert.deepEqual(await alarms(), [alarm('dispatch'), alarm('webhook-secret')])
  })
  test('whose alarm could not be recorded is told of at the next refusal', async () => {
    const away = openDatabase({ ...db.connection, port: 1, password: new Secret(''), applicationName: 'away', poolMax: 1 })
    let to: Database = away
    const open = openerThatSays(spent, new Proxy(db, { get: (_, name) => Reflect.get(to, name) as unknown }))
    assert.deepEqual(await ask(open), spent)
    assert.deepEqual(await alarms(), [])
    to = db
    assert.deepEqual(await ask(open), spent)
    assert.deepEqual(await alarms(), [alarm('dispatch')])
    await away.close()
  })
})
test('no other answer of the custodian raises it', async () => {
  const others: readonly Opening[] = [
    { kind: 'opened', plaintext: new Uint8Array() }, { kind: 'unopenable', reason: 'record_refused' },
    { kind: 'later', reason: 'unproven' }, { kind: 'unopenable', reason: 'budget_spent' },
  ]
  for (const opening of others) assert.equal(await ask(openerThatSays(opening)), opening)
  assert.deepEqual(await alarms(), [])
})
