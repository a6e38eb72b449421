import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { accountFor } from '@ngome/payments'
import { ageLedger, Purse, testDatabase, type TestDatabase } from '@ngome/testkit'
import fc from 'fast-check'
import type { Database } from '../database.ts'
import { checkLedger } from '../ledger-check.ts'
import { findBalances } from '../payments/find-balances.ts'
import { closeLedgerDays, takeStep } from './close-days.ts'
import { findStatement, firstPosition, listStatementEntries, type StatementEntryRow, type StatementPeriod } from './find-statement.ts'
import { rebuildLedgerSums } from './rebuild-ledger-sums.ts'

const from = { clock: systemClock, random: systemRandom }

let database: TestDatabase
let gateway: Database
let dispatcher: Database
before(async () => {
  database = await testDatabase()
  await ageLedger(database, 40)
  gateway = database.open('ngome_gateway', { poolMax: 6 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 6 })
})
after(() => database.close())

const check = () => checkLedger(database.open('ngome_auditor', { poolMax: 1 }))

/** Takes one step: a cut, or the closing of what was cut. */
const step = (db = dispatcher): Promise<boolean> => takeStep(db, from, 'UTC')

const lastClosed = async (one = database): Promise<string> => {
  const [row] = await one.asAdmin("SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM ngome.closed_days")
  return row?.['day'] as string
}

/** Cuts the next day and closes it. */
async function closeDay(): Promise<string> {
  const day = await lastClosed()
  while (await lastClosed() === day) assert.ok(await step())
  return lastClosed()
}

async function entriesOf(purse: Purse, period: StatementPeriod, pageSize = 3): Promise<readonly StatementEntryRow[]> {
  const all: StatementEntryRow[] = []
  for (let position = firstPosition; ;) {
    const page = await listStatementEntries(gateway, purse.merchant.tenant, period, position, pageSize)
    all.push(...page)
    const last = page.at(-1)
    if (last === undefined) return all
    position = last.position
  }
}

const sum = (entries: readonly StatementEntryRow[], isCredit: boolean): bigint =>
  entries.filter((entry) => entry.isCredit === isCredit).reduce((total, { amountMinor }) => total + amountMinor, 0n)

describe('a closed day', () => {
  test('says what an account held, what came and went, and what it holds; what still waits is in none', async () => {
    const purse = await Purse.open(database, gateway, dispatcher)
    await purse.move(500n)
    await purse.end(await purse.begin(70n), 'failed')
    const waiting = await purse.begin(30n)
    const first = await closeDay()
    await purse.move(200n, { direction: 'payout' })
    await purse.end(waiting, 'succeeded')
    const second = await closeDay()
    const of = (from: string, to: string) => findStatement(gateway, purse.merchant.tenant, { currency: 'EUR', from, to })
    const totals = async (from: string, to: string): Promise<unknown> => {
      const found = await of(from, to) ?? assert.fail('not closed')
      return [found.openingMinor, found.inMinor, found.outMinor, found.closingMinor, found.entries]
    }
    assert.deepEqual(await totals(first, first), [0n, 500n, 0n, 500n, 1])
    assert.deepEqual(await totals(second, second), [500n, 30n, 200n, 330n, 2])
    assert.deepEqual(await totals(first, second), [0n, 530n, 200n, 330n, 3])
    const third = await closeDay()
    assert.deepEqual(await totals(third, third), [330n, 0n, 0n, 330n, 0])
    assert.equal(await of(third, '2999-01-01'), undefined)
    assert.deepEqual((await entriesOf(purse, { currency: 'EUR', from: second, to: second })).map(({ kind, day }) => [kind, day]),
      [['payout', second], ['collection', second]])
  })

  test('waits for the transaction that could still write into it, and what comes later is in the next', async () => {
    const purse = await Purse.open(database, gateway, dispatcher)
    const slow = await purse.begin(40n)
    const client = await gateway.pool.connect()
    await client.query('BEGIN')
    const running = await client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id')
    assert.ok(running.rows.length === 1)
    await purse.end(slow, 'succeeded')
    assert.equal(await step(), true, 'the day is cut')
    const before = await lastClosed()
    assert.deepEqual([await step(), await step()], [false, false])
    await purse.move(2n)
    assert.equal(await lastClosed(), before)
    await client.query('COMMIT')
    client.release()
    assert.equal(await step(), true)
    const day = await lastClosed()
    assert.notEqual(day, before)
    assert.deepEqual((await entriesOf(purse, { currency: 'EUR', from: day, to: day })).map(({ amountMinor }) => amountMinor), [40n])
    const next = await closeDay()
    assert.deepEqual((await entriesOf(purse, { currency: 'EUR', from: next, to: next })).map(({ amountMinor }) => amountMinor), [2n])
  })

  test('is closed once, however many dispatchers close it', async () => {
    const purse = await Purse.open(database, gateway, dispatcher)
    await purse.move(10n)
    const before = Number((await database.asAdmin('SELECT count(*)::int AS n FROM ngome.closed_days'))[0]?.['n'])
    await Promise.all(Array.from({ length: 6 }, () => step()))
    await Promise.all(Array.from({ length: 6 }, () => step()))
    const after = Number((await database.asAdmin('SELECT count(*)::int AS n FROM ngome.closed_days'))[0]?.['n'])
    assert.ok(after > before)
    const told = await database.asAdmin("SELECT data->>'day' AS day, data->>'hash' AS hash FROM ngome.events WHERE type = 'ledger.day_closed' ORDER BY 1")
    assert.deepEqual(told.map((row) => ({ ...row })), (await database.asAdmin(`SELECT to_char(day, 'YYYY-MM-DD') AS day, encode(hash, 'hex') AS hash
      FROM ngome.closed_days WHERE accounts > 0 OR hash_before <> '' ORDER BY 1`)).map((row) => ({ ...row })))
    const report = await check()
    assert.deepEqual([report.days.wrongDays, report.days.brokenDays, report.days.unbooked], [[], [], []])
  })

  test('cannot be changed or removed, by any role', async () => {
    for (const table of ['account_days', 'closed_days', 'ledger_days', 'ledger_eras']) {
      await assert.rejects(database.asAdmin(`DELETE FROM ngome.${table}`), { code: /NG00/ }, table)
      await assert.rejects(database.asAdmin(`TRUNCATE ngome.${table} CASCADE`), { code: /NG00/ }, table)
    }
    await assert.rejects(database.asAdmin('UPDATE ngome.account_days SET closing_minor = 0'), { code: /NG00/ })
  })

  test('of another merchant is nobody\'s to see', async () => {
    const [mine, other] = [await Purse.open(database, gateway, dispatcher), await Purse.open(database, gateway, dispatcher)]
    await mine.move(99n)
    const day = await closeDay()
    const period = { currency: 'EUR', from: day, to: day } as const
    assert.deepEqual(await entriesOf(other, period), [])
    assert.equal((await findStatement(gateway, other.merchant.tenant, period))?.entries, 0)
    assert.equal((await findStatement(gateway, { ...mine.merchant.tenant, world: 'live' }, period))?.account, null)
  })

  test('holds each posted transfer exactly once, however payments and closings interleave, and days add up', async () => {
    const plan = fc.array(fc.record({
      kind: fc.constantFrom('begin', 'end', 'end', 'fail', 'move', 'pay out', 'close', 'close'), amountMinor: fc.bigInt(1n, 90n),
    }), { minLength: 6, maxLength: 18 })
    await fc.assert(fc.asyncProperty(plan, async (steps) => {
      const purse = await Purse.open(database, gateway, dispatcher)
      await purse.move(1_000n)
      const from = await lastClosed()
      const open: PaymentId[] = []
      const moved: bigint[] = [1_000n]
      await Promise.all(steps.map(async ({ kind, amountMinor }) => {
        if (kind === 'close') return void await step()
        if (kind === 'begin') return void open.push(await purse.begin(amountMinor))
        if (kind === 'move' || kind === 'pay out') {
          await purse.move(kind === 'move' ? amountMinor : amountMinor / 10n + 1n, { direction: kind === 'move' ? 'collection' : 'payout' })
          return void moved.push(kind === 'move' ? amountMinor : -(amountMinor / 10n + 1n))
        }
        const payment = open.pop()
        if (payment !== undefined) await purse.end(payment, kind === 'end' ? 'succeeded' : 'failed')
      }))
      await closeDay()
      const to = await closeDay()
      const closed = (await database.asAdmin("SELECT to_char(day, 'YYYY-MM-DD') AS day FROM ngome.closed_days WHERE day BETWEEN $1 AND $2 ORDER BY day", [from, to]))
        .map(({ day }) => day as string)
      let balance = 0n
      const seen: string[] = []
      for (const day of closed) {
        const period = { currency: 'EUR', from: day, to: day } as const
        const totals = await findStatement(gateway, purse.merchant.tenant, period) ?? assert.fail('not closed')
        const entries = await entriesOf(purse, period)
        assert.equal(totals.openingMinor, balance)
        assert.deepEqual([totals.inMinor, totals.outMinor, totals.entries], [sum(entries, true), sum(entries, false), entries.length])
        balance = totals.closingMinor
        seen.push(...entries.map(({ document, kind }) => `${document} ${kind}`))
      }
      const posted = (await database.asAdmin(`SELECT payment || ' ' || kind AS entry FROM ngome.transfers WHERE merchant = $1 AND phase = 'posted'
        AND 'merchant_available' IN (debit_kind, credit_kind)`, [purse.merchant.tenant.merchant])).map(({ entry }) => entry as string)
      assert.deepEqual(seen.toSorted((a, b) => a < b ? -1 : 1), posted.toSorted((a, b) => a < b ? -1 : 1))
      assert.equal(new Set(seen).size, seen.length)
      assert.ok(moved.length > 0)
    }), { numRuns: 3 })
    assert.deepEqual((await check()).days.wrongDays, [])
  })
})

test('the check of the ledger sees a closed day that was bent, one that was removed, and one that does not add up', async () => {
  const purse = await Purse.open(database, gateway, dispatcher)
  await purse.move(25n)
  const day = await closeDay()
  const bend = (sql: string) => database.asAdmin(`SET session_replication_role = replica; ${sql}`)
  const account = accountFor(purse.merchant.tenant, 'merchant_available', '', 'EUR').id
  assert.deepEqual(await findings(), [[], [], []])
  await bend(`UPDATE ngome.account_days SET in_minor = 26, closing_minor = 26 WHERE account = '${account}'`)
  assert.deepEqual(await findings(), [[`${account} ${day}`], [], [account]])
  await bend(`UPDATE ngome.account_days SET in_minor = 25, closing_minor = 25, hash = sha256('x') WHERE account = '${account}'`)
  assert.deepEqual(await findings(), [[`${account} ${day}`], [day], []])
  await bend(`DELETE FROM ngome.account_days WHERE account = '${account}'`)
  assert.deepEqual(await findings(), [[], [day], [account]])
})

async function findings(): Promise<unknown> {
  const { days } = await check()
  return [days.wrongDays.map(({ account, day }) => `${account} ${day}`), days.brokenDays, days.unbooked]
}

test('a platform that starts closes nothing before its first midnight, and then all that moved before it', async () => {
  const fresh = await testDatabase()
  const db = fresh.open('ngome_dispatcher', { poolMax: 2 })
  const purse = await Purse.open(fresh, fresh.open('ngome_gateway', { poolMax: 2 }), db)
  await purse.move(5n)
  await closeLedgerDays({ ...from, db }, 'Africa/Kampala')
  await closeLedgerDays({ ...from, db }, 'Africa/Kampala')
  const counts = () => fresh.asAdmin(`SELECT (SELECT count(*)::int FROM ngome.ledger_days) AS cut, (SELECT count(*)::int FROM ngome.closed_days) AS closed,
    (SELECT count(*)::int FROM ngome.account_days) AS rows, (SELECT count(*)::int FROM ngome.events WHERE type LIKE 'ledger.%') AS told`)
  assert.deepEqual((await counts()).map((row) => ({ ...row })), [{ cut: 1, closed: 1, rows: 0, told: 0 }])
  await fresh.asAdmin(`SET session_replication_role = replica; UPDATE ngome.ledger_days SET day = day - 2, ends_at = ends_at - interval '2 days';
    UPDATE ngome.closed_days SET day = day - 2, hash = ngome.closed_day_hash('', day - 2)`)
  await closeLedgerDays({ ...from, db }, 'Africa/Kampala')
  assert.deepEqual((await counts()).map((row) => ({ ...row })), [{ cut: 3, closed: 3, rows: 2, told: 2 }])
  const { days } = await checkLedger(fresh.open('ngome_auditor'))
  assert.deepEqual([days.closedDays, days.wrongDays, days.brokenDays, days.unbooked, days.lateDays], [3, [], [], [], []])
  await fresh.close()
})

test('a day\'s hash is what the words of its row say, so that anybody can compute it', async () => {
  const rows = await database.asAdmin(`SELECT account, to_char(day, 'YYYY-MM-DD') AS day, opening_minor::text AS opening, in_minor::text AS came,
    out_minor::text AS went, closing_minor::text AS closing, entries::text, hash_before, hash FROM ngome.account_days LIMIT 20`)
  assert.ok(rows.length > 5)
  for (const row of rows) {
    const words = ['ngome/account-day/v1', ...['account', 'day', 'opening', 'came', 'went', 'closing', 'entries'].map((name) => row[name])].join('|')
    assert.deepEqual(createHash('sha256').update(row['hash_before'] as Uint8Array).update(words).digest(), row['hash'])
  }
})

describe('a ledger that was read into another cluster', () => {
  let moved: TestDatabase
  let purse: Purse
  before(async () => {
    moved = await testDatabase()
    await ageLedger(moved, 40)
    purse = await Purse.open(moved, moved.open('ngome_gateway', { poolMax: 2 }), moved.open('ngome_dispatcher', { poolMax: 2 }))
    await purse.move(700n)
    await purse.begin(100n, { direction: 'payout' })
    const mover = moved.open('ngome_dispatcher', { poolMax: 1 })
    await mover.pool.query('SELECT ngome.add_up_accounts(100)')
    await step(mover)
    await step(mover)
    // As after pg_dump and pg_restore: another cluster, whose ids begin anew, so that all that it writes seems to be from long ago.
    await moved.asAdmin(`SET session_replication_role = replica; UPDATE ngome.ledger_eras SET cluster = cluster + 1;
      UPDATE ngome.transfers SET came_in = (came_in::text::bigint + 1000000)::text::xid8;
      UPDATE ngome.account_sums SET below = '900000000';
      UPDATE ngome.ledger_days SET below = '900000000' WHERE below > '0'`)
  })
  after(() => moved.close())

  test('neither takes nor gives, and shows no balance, until its sums are made anew', async () => {
    await assert.rejects(purse.begin(1n, { direction: 'payout' }), { code: 'store/unavailable' })
    await assert.rejects(purse.begin(1n), { code: 'store/unavailable', message: /another cluster.*rebuild-sums/ })
    await assert.rejects(findBalances(moved.open('ngome_gateway'), purse.merchant.tenant), { code: 'store/unavailable' })
    await assert.rejects(moved.asAdmin('SELECT ngome.add_up_accounts(10)'), { code: 'NG030' })
    await assert.rejects(moved.asAdmin("SELECT ngome.close_ledger_days('UTC', 10)"), { code: 'NG030' })
    assert.equal((await checkLedger(moved.open('ngome_auditor'))).days.isForeign, true)
  })

  test('moves again then, holds what it held, and goes on with its days', async () => {
    assert.deepEqual(await rebuildLedgerSums(moved.open('ngome_operator')), { accounts: 2, era: 2, isNewEra: true })
    const totals = () => moved.asAdmin(`SELECT (t.posted_in - t.posted_out - t.pending_out)::text AS available, t.pending_out::text AS reserved
      FROM ngome.accounts a, ngome.account_totals(a.id) t WHERE a.kind = 'merchant_available'`)
    assert.deepEqual((await totals()).map((row) => ({ ...row })), [{ available: '600', reserved: '100' }])
    await assert.rejects(purse.begin(601n, { direction: 'payout' }))
    await purse.move(50n)
    assert.deepEqual((await totals()).map((row) => ({ ...row })), [{ available: '650', reserved: '100' }])
    const from = await lastClosed(moved)
    const mover = moved.open('ngome_dispatcher', { poolMax: 1 })
    await step(mover)
    await step(mover)
    const to = await lastClosed(moved)
    assert.notEqual(to, from)
    const entries = await listStatementEntries(moved.open('ngome_gateway', { poolMax: 1 }), purse.merchant.tenant,
      { currency: 'EUR', from: to, to }, firstPosition, 10)
    assert.deepEqual(entries.map(({ amountMinor }) => amountMinor), [50n])
    const { misheld, days } = await checkLedger(moved.open('ngome_auditor'))
    assert.deepEqual([misheld, days.wrongDays, days.unbooked, days.isForeign], [[], [], [], false])
  })

  test('is no other when its sums are made anew once more', async () => {
    assert.deepEqual(await rebuildLedgerSums(moved.open('ngome_operator')), { accounts: 2, era: 2, isNewEra: false })
  })
})
