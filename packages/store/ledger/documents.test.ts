import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Fault, newId, systemClock, systemRandom, type AdjustmentId, type Currency } from '@ngome/kernel'
import { accountFor, accountKinds, adjustmentKinds, documentTransferRules, type AdjustmentKind } from '@ngome/payments'
import { ageLedger, Purse, testDatabase, type TestDatabase } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { checkLedger } from '../ledger-check.ts'
import { inTenant } from '../transaction.ts'
import { takeStep } from './close-days.ts'
import { findStatement, firstPosition, listStatementEntries } from './find-statement.ts'
import { makeAdjustment } from './make-adjustment.ts'

const from = { clock: systemClock, random: systemRandom }
const network = 'mtn-sandbox'

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let operator: Database
let auditor: Database
before(async () => {
  database = await testDatabase()
  await ageLedger(database, 10)
  gateway = database.open('ngome_gateway', { poolMax: 4 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 4 })
  auditor = database.open('ngome_auditor', { poolMax: 1 })
  operator = database.open('ngome_operator', { poolMax: 8 })
})
after(() => database.close())

const open = () => Purse.open(database, gateway, dispatcher)
const newAdjustment = () => newId('adjustment', from)

async function adjust(purse: Purse, kind: AdjustmentKind, amountMinor: bigint, id = newAdjustment()): Promise<AdjustmentId | 'not_covered'> {
  const adjustment = {
    id, kind, network, money: { amountMinor, currency: 'EUR' as Currency }, reason: 'line 7 of 2026-11-20', madeBy: 'amina', atMs: systemClock.nowMs(),
  }
  try {
    await inTenant(operator, purse.merchant.tenant, (tx) => makeAdjustment(tx, adjustment))
    return id
  } catch (error) {
    if (error instanceof Fault && error.code === 'payments/insufficient_funds') return 'not_covered'
    throw error
  }
}

/** What an account holds, by its kind: what came less what went. */
async function held(purse: Purse): Promise<Readonly<Record<string, bigint>>> {
  const rows = await database.asAdmin(`SELECT a.kind, (t.posted_in - t.posted_out - t.pending_out)::text AS held
    FROM ngome.accounts a, ngome.account_totals(a.id) t WHERE a.merchant = $1 ORDER BY a.kind`, [purse.merchant.tenant.merchant])
  return Object.fromEntries(rows.map((row) => [row['kind'] as string, BigInt(row['held'] as string)]).filter(([, amount]) => amount !== 0n)) as Record<string, bigint>
}

async function findings(): Promise<unknown> {
  const { wrong, misheld } = await checkLedger(auditor)
  return [wrong, misheld]
}

test('the database and packages/payments derive the same id of the same account', async () => {
  const purse = await open()
  for (const kind of accountKinds) {
    for (const currency of ['EUR', 'UGX'] as const) {
      const account = accountFor(purse.merchant.tenant, kind, network, currency)
      const [row] = await database.asAdmin('SELECT ngome.account_id($1, $2, $3, $4, $5) AS id',
        [account.tenant.merchant, account.tenant.world, kind, account.network, currency])
      assert.equal(row?.['id'], account.id)
    }
  }
})

describe('an adjustment', () => {
  test('moves what a network\'s books and ours differ by through suspense, to whom it belongs', async () => {
    const purse = await open()
    await purse.move(500n)
    await adjust(purse, 'suspense_in', 40n)
    assert.deepEqual(await held(purse), { merchant_available: 500n, provider_clearing: -540n, suspense: 40n })
    await adjust(purse, 'suspense_to_merchant', 25n)
    await adjust(purse, 'suspense_to_fees', 15n)
    assert.deepEqual(await held(purse), { merchant_available: 525n, platform_fees: 15n, provider_clearing: -540n })
    await adjust(purse, 'suspense_out', 30n)
    await adjust(purse, 'suspense_from_merchant', 10n)
    await adjust(purse, 'suspense_from_debt', 20n)
    assert.deepEqual(await held(purse), { merchant_available: 515n, platform_fees: 15n, provider_clearing: -510n, merchant_debt: -20n })
    assert.deepEqual(await findings(), [[], []])
  })

  for (const kind of adjustmentKinds) {
    test(`by ${kind} moves between the accounts that it names`, async () => {
      const purse = await open()
      await purse.move(60n)
      await adjust(purse, 'suspense_from_debt', 50n)
      const { debit, credit } = documentTransferRules[kind]
      const [before, , after] = [await held(purse), await adjust(purse, kind, 7n), await held(purse)]
      const moved = (account: string): bigint => (after[account] ?? 0n) - (before[account] ?? 0n)
      assert.deepEqual([moved(debit), moved(credit)], [-7n, 7n])
    })
  }

  test('never takes what the merchant has not, and gives back no debt that is not owed, however many come at once', async () => {
    const purse = await open()
    await purse.move(100n)
    assert.equal(await adjust(purse, 'suspense_from_merchant', 101n), 'not_covered')
    const taken = await Promise.all(Array.from({ length: 12 }, () => adjust(purse, 'suspense_from_merchant', 30n)))
    assert.equal(taken.filter((outcome) => outcome !== 'not_covered').length, 3)
    assert.equal(await adjust(purse, 'suspense_to_debt', 1n), 'not_covered')
    await adjust(purse, 'suspense_from_debt', 50n)
    const given = await Promise.all(Array.from({ length: 8 }, () => adjust(purse, 'suspense_to_debt', 20n)))
    assert.equal(given.filter((outcome) => outcome !== 'not_covered').length, 2)
    const now = await held(purse)
    assert.deepEqual([now['merchant_available'], now['merchant_debt']], [10n, -10n])
    assert.deepEqual(await findings(), [[], []])
  })

  test('is made once, and one that was refused left nothing', async () => {
    const purse = await open()
    const id = newAdjustment()
    await adjust(purse, 'suspense_in', 5n, id)
    await assert.rejects(adjust(purse, 'suspense_in', 5n, id), { code: '23505' })
    await adjust(purse, 'suspense_from_merchant', 5n)
    const [row] = await database.asAdmin('SELECT count(*)::int AS n FROM ngome.adjustments WHERE merchant = $1', [purse.merchant.tenant.merchant])
    assert.equal(row?.['n'], 1)
  })

  test('is in the merchant\'s statement with its reason where it was its money, and nowhere else', async () => {
    const purse = await open()
    await purse.move(70n)
    await adjust(purse, 'suspense_in', 9n)
    const id = await adjust(purse, 'suspense_to_merchant', 9n)
    while (await takeStep(dispatcher, from, 'UTC')) continue
    const [last] = await database.asAdmin("SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM ngome.closed_days")
    const period = { currency: 'EUR' as Currency, from: '2020-01-01', to: last?.['day'] as string }
    const entries = await listStatementEntries(gateway, purse.merchant.tenant, period, firstPosition, 10)
    assert.deepEqual(entries.map(({ document, kind, isCredit, amountMinor, reference }) => [document === id, kind, isCredit, amountMinor, reference]),
      [[false, 'collection', true, 70n, 'order-42'], [true, 'suspense_to_merchant', true, 9n, 'line 7 of 2026-11-20']])
    assert.equal((await findStatement(gateway, purse.merchant.tenant, period))?.closingMinor, 79n)
    const page = await listStatementEntries(gateway, purse.merchant.tenant, period, entries[0]?.position ?? firstPosition, 10)
    assert.deepEqual(page.map(({ document }) => document), [id])
  })

  test('stays as it was made', async () => {
    const purse = await open()
    await adjust(purse, 'suspense_in', 5n)
    await assert.rejects(database.asAdmin('UPDATE ngome.adjustments SET amount_minor = 1'), { code: 'NG003' })
    await assert.rejects(database.asAdmin('DELETE FROM ngome.adjustments'), { code: 'NG003' })
    await assert.rejects(database.asAdmin('TRUNCATE ngome.adjustments CASCADE'), { code: 'NG003' })
  })
})

describe('the database refuses', () => {
  for (const role of ['ngome_gateway', 'ngome_dispatcher', 'ngome_auditor'] as const) {
    test(`an adjustment by ${role}`, async () => {
      await assert.rejects(database.open(role, { poolMax: 1 }).pool.query(
        "SELECT ngome.make_adjustment('adj_01jd0000000000000000000000', 'suspense_in', 'n', 'EUR', 1, 'r', 'b', now())"), { code: '42501' })
    })
  }

  for (const [what, kind] of [['a collection', 'collection'], ['a settlement', 'settlement'], ['what no table knows', 'gift']] as const) {
    test(`${what} as an adjustment`, async () => {
      const purse = await open()
      await assert.rejects(adjust(purse, kind as AdjustmentKind, 5n), { code: 'NG043' })
    })
  }

  const document = 'adj_01jd0000000000000000000000'
  /** Writes a transfer as the administrator, of an adjustment of 5 by `suspense_in`. */
  const forged: readonly (readonly [what: string, change: string, code: string])[] = [
    ['another amount than its document\'s', 'amount_minor = 6', 'NG001'],
    ['another kind than its document\'s', `kind = 'suspense_out', debit_account = credit_account, credit_account = debit_account,
      debit_kind = 'suspense', credit_kind = 'provider_clearing'`, 'NG001'],
    ['another currency than its document\'s', `currency = 'UGX'`, 'NG001'],
    ['the account of another network', `credit_account = ngome.account_id(merchant, world, 'suspense', 'other', 'EUR')`, 'NG001'],
    ['no document', 'adjustment = NULL', 'NG001'],
    ['two documents', `payment = 'pay_01jd0000000000000000000000'`, 'NG001'],
    ['a document that is not there', `adjustment = 'adj_01jd0000000000000000000001'`, 'NG001'],
    ['a document of another kind', `settlement = 'stl_01jd0000000000000000000000', adjustment = NULL`, 'NG001'],
    ['an end that voids it', `phase = 'voided'`, 'NG001'],
    ['its own share', 'kind = kind', ''],
  ]
  for (const [what, change, code] of forged) {
    test(`${code === '' ? 'not ' : ''}a transfer with ${what}`, async () => {
      const purse = await open()
      const { merchant, world } = purse.merchant.tenant
      const id = `adj_${newAdjustment().slice(4)}`
      const write = database.asAdmin(`
        SELECT ngome.open_account('${merchant}', '${world}', kind, network, 'EUR')
          FROM (VALUES ('provider_clearing', 'net'), ('suspense', 'net'), ('suspense', 'other')) a (kind, network);
        INSERT INTO ngome.adjustments (id, merchant, world, kind, network, currency, amount_minor, reason, made_by, created_at)
          VALUES ('${id}', '${merchant}', '${world}', 'suspense_in', 'net', 'EUR', 5, 'r', 'b', now());
        CREATE TEMPORARY TABLE copy AS SELECT '${merchant}' AS merchant, '${world}' AS world, NULL::text AS payment, NULL::text AS settlement,
          '${id}'::text AS adjustment, 'suspense_in' AS kind, 'pending' AS phase,
          ngome.account_id('${merchant}', '${world}', 'provider_clearing', 'net', 'EUR') AS debit_account,
          ngome.account_id('${merchant}', '${world}', 'suspense', 'net', 'EUR') AS credit_account,
          'provider_clearing' AS debit_kind, 'suspense' AS credit_kind, 5 AS amount_minor, 'EUR' AS currency, now() AS at;
        UPDATE copy SET ${change.replaceAll(document, id)};
        INSERT INTO ngome.transfers (merchant, world, payment, settlement, adjustment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
          amount_minor, currency, at) SELECT * FROM copy;
        ROLLBACK`)
      if (code === '') await write
      else await assert.rejects(write, { code })
    })
  }

  test('a document that no row proves, whatever triggers are there', async () => {
    const rows = await database.asAdmin(`SELECT pg_get_constraintdef(oid) AS says FROM pg_constraint
      WHERE conrelid = 'ngome.transfers'::regclass AND contype IN ('f', 'c') ORDER BY 1`)
    const says = rows.map((row) => String(row['says']))
    for (const column of ['payment', 'settlement', 'adjustment']) {
      assert.ok(says.some((one) => one.startsWith(`FOREIGN KEY (merchant, world, ${column}) REFERENCES ngome.${column}s`)), column)
    }
    assert.ok(says.some((one) => one.includes('num_nonnulls(payment, settlement, adjustment) = 1')))
  })
})

describe('the check of the ledger sees', () => {
  /** Bends the rows of one adjustment, as nobody can but who owns the database's files. */
  const bent: readonly (readonly [what: string, sql: (id: string) => string])[] = [
    ['an adjustment without its transfer', (id) => `DELETE FROM ngome.transfers WHERE adjustment = '${id}'`],
    ['an adjustment whose transfer has no end', (id) => `DELETE FROM ngome.transfers WHERE adjustment = '${id}' AND is_end`],
    ['an adjustment of another amount', (id) => `UPDATE ngome.adjustments SET amount_minor = 99 WHERE id = '${id}'`],
    ['an adjustment of another network', (id) => `UPDATE ngome.adjustments SET network = 'other' WHERE id = '${id}'`],
    ['a transfer without its adjustment', (id) => `DELETE FROM ngome.adjustments WHERE id = '${id}'`],
  ]
  for (const [what, sql] of bent) {
    test(what, async () => {
      const purse = await open()
      const id = await adjust(purse, 'suspense_in', 5n)
      assert.deepEqual(await findings(), [[], []])
      await database.asAdmin(`SET session_replication_role = replica;
        CREATE TABLE kept_transfers AS SELECT * FROM ngome.transfers; CREATE TABLE kept_adjustments AS SELECT * FROM ngome.adjustments;
        ${sql(id)}`)
      assert.deepEqual((await checkLedger(auditor)).wrong, [id])
      await database.asAdmin(`SET session_replication_role = replica;
        DELETE FROM ngome.transfers WHERE adjustment = '${id}'; DELETE FROM ngome.adjustments WHERE id = '${id}';
        INSERT INTO ngome.adjustments SELECT * FROM kept_adjustments WHERE id = '${id}';
        INSERT INTO ngome.transfers (merchant, world, payment, settlement, adjustment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
          amount_minor, currency, at, came_in, era)
        SELECT merchant, world, payment, settlement, adjustment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
          amount_minor, currency, at, came_in, era FROM kept_transfers WHERE adjustment = '${id}';
        DROP TABLE kept_transfers, kept_adjustments`)
    })
  }

  test('a payment whose money lies at another network\'s account', async () => {
    const purse = await open()
    const payment = await purse.move(5n)
    const bend = (to: string) => database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payments SET network = '${to}' WHERE id = '${payment}'`)
    const [row] = await database.asAdmin('SELECT network FROM ngome.payments WHERE id = $1', [payment])
    await bend('elsewhere')
    assert.deepEqual(await findings(), [[payment], []])
    await bend(String(row?.['network']))
    assert.deepEqual(await findings(), [[], []])
  })

  test('a debt below nothing, and a settlement that waits without its money', async () => {
    const purse = await open()
    const { merchant, world } = purse.merchant.tenant
    const debt = accountFor(purse.merchant.tenant, 'merchant_debt', '', 'EUR').id
    await adjust(purse, 'suspense_from_debt', 5n)
    await database.asAdmin(`SET session_replication_role = replica;
      UPDATE ngome.transfers SET debit_account = credit_account, credit_account = debit_account WHERE debit_account = '${debt}'`)
    assert.ok(JSON.stringify(await findings()).includes(debt))
    await database.asAdmin(`SET session_replication_role = replica;
      UPDATE ngome.transfers SET debit_account = credit_account, credit_account = debit_account WHERE credit_account = '${debt}'`)
    assert.deepEqual(await findings(), [[], []])
    const account = accountFor(purse.merchant.tenant, 'merchant_settlement', '', 'EUR').id
    await database.asAdmin(`SET session_replication_role = replica;
      SELECT ngome.open_account('${merchant}', '${world}', 'merchant_settlement', '', 'EUR');
      INSERT INTO ngome.account_sums (account, merchant, world) VALUES ('${account}', '${merchant}', '${world}') ON CONFLICT DO NOTHING;
      INSERT INTO ngome.settlements (id, merchant, world, currency, amount_minor, day, state, created_at, updated_at)
        SELECT 'stl_01jd0000000000000000000000', '${merchant}', '${world}', 'EUR', 7, max(day), 'created', now(), now() FROM ngome.ledger_days`)
    assert.deepEqual(await findings(), [['stl_01jd0000000000000000000000'], [account]])
    await database.asAdmin("SET session_replication_role = replica; DELETE FROM ngome.settlements WHERE id = 'stl_01jd0000000000000000000000'")
  })

})
