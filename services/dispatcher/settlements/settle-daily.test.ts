import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { closeLedgerDays, type Database } from '@ngome/store'
import { ageLedger, Purse, testDatabase, type TestDatabase } from '@ngome/testkit'
import { settleDaily } from './settle-daily.ts'

let database: TestDatabase
let db: Database
before(async () => {
  database = await testDatabase()
  await ageLedger(database, 3)
  db = database.open('ngome_dispatcher', { poolMax: 4 })
})
after(() => database.close())

const secret = new Secret(systemRandom.bytes(32))
const signal = new AbortController().signal
const logger = { info: () => undefined, warn: () => undefined }
const surroundings = () => ({ db, clock: systemClock, random: systemRandom, logger, callbacks: { secret } })
const amounts = async (): Promise<unknown> =>
  (await database.asAdmin('SELECT amount_minor::text AS amount FROM ngome.settlements ORDER BY amount_minor')).map((row) => row['amount'])

test('each merchant of the schedule is settled once for a day that closed, and nobody without a schedule', async () => {
  const gateway = database.open('ngome_gateway', { poolMax: 2 })
  const purses = await Promise.all([100n, 3_000n, 5_000n].map(async (amount) => {
    const purse = await Purse.open(database, gateway, db)
    await purse.move(amount)
    return purse
  }))
  await closeLedgerDays(surroundings(), 'UTC')
  await settleDaily(surroundings(), { daily: {}, worlds: ['test'] })(signal)
  await settleDaily(surroundings(), { daily: { EUR: { minimum: '0' } }, worlds: ['live'] })(signal)
  assert.deepEqual(await amounts(), [])
  const schedule = { daily: { EUR: { minimum: '20.00' } }, worlds: ['test'] as const }
  const [one, other] = [settleDaily(surroundings(), schedule), settleDaily(surroundings(), schedule)]
  await Promise.all([one(signal), other(signal)])
  await one(signal)
  assert.deepEqual(await amounts(), ['3000', '5000'])
  // What came since is of a day that has not closed.
  await purses[0]?.move(9_000n)
  await one(signal)
  await settleDaily(surroundings(), schedule)(signal)
  assert.deepEqual(await amounts(), ['3000', '5000'])
})

test('a merchant that cannot be settled has its turn again, and the others theirs', async () => {
  await database.asAdmin(`SET session_replication_role = replica; DELETE FROM ngome.settlements; DELETE FROM ngome.transfers WHERE settlement IS NOT NULL`)
  const settle = settleDaily(surroundings(), { daily: { EUR: { minimum: '20.00' } }, worlds: ['test'] })
  const [first] = await database.asAdmin("SELECT a.merchant FROM ngome.accounts a WHERE a.kind = 'merchant_available' ORDER BY a.merchant")
  await database.asAdmin(`ALTER TABLE ngome.settlements ADD CONSTRAINT broken CHECK (merchant <> '${String(first?.['merchant'])}')`)
  await settle(signal)
  const before = await amounts() as unknown[]
  await database.asAdmin('ALTER TABLE ngome.settlements DROP CONSTRAINT broken')
  await settle(signal)
  assert.deepEqual(await amounts(), ['3000', '5000'])
  assert.ok(before.length >= 1)
})
