import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type Currency, type PaymentId } from '@ngome/kernel'
import { ageLedger, Purse, testAcceptance, testDatabase, type TestDatabase } from '@ngome/testkit'
import fc from 'fast-check'
import type { Database } from '../database.ts'
import { checkLedger } from '../ledger-check.ts'
import { acceptPayment } from '../payments/accept-payment.ts'
import { findBalances } from '../payments/find-balances.ts'
import { recheckPayment } from '../payments/recheck-payment.ts'
import { settleDay } from '../settlements/settle-day.ts'
import { inTenant } from '../transaction.ts'
import { takeStep } from './close-days.ts'
import { findStatement, firstPosition, listStatementEntries } from './find-statement.ts'
import { makeAdjustment } from './make-adjustment.ts'
import { repayDebtIn, repayDebts } from './repay-debts.ts'

const from = { clock: systemClock, random: systemRandom }
const currency = 'EUR' as Currency
const never = new AbortController().signal

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let operator: Database
let auditor: Database
before(async () => {
  database = await testDatabase()
  await ageLedger(database, 3)
  gateway = database.open('ngome_gateway', { poolMax: 6 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 8 })
  operator = database.open('ngome_operator', { poolMax: 4 })
  auditor = database.open('ngome_auditor', { poolMax: 1 })
})
after(() => database.close())

const open = () => Purse.open(database, gateway, dispatcher)

/** What an account holds, by its kind: what came less what went. */
async function held(purse: Purse): Promise<Readonly<Record<string, bigint>>> {
  const rows = await database.asAdmin(`SELECT a.kind, (t.posted_in - t.posted_out - t.pending_out)::text AS held
    FROM ngome.accounts a, ngome.account_totals(a.id) t WHERE a.merchant = $1 ORDER BY a.kind`, [purse.merchant.tenant.merchant])
  return Object.fromEntries(rows.map((row) => [row['kind'] as string, BigInt(row['held'] as string)]).filter(([, amount]) => amount !== 0n)) as Record<string, bigint>
}

async function balance(purse: Purse): Promise<readonly bigint[]> {
  const [row] = await findBalances(gateway, purse.merchant.tenant)
  return row === undefined ? [] : [row.availableMinor, row.reservedMinor, row.owedMinor]
}

async function findings(): Promise<unknown> {
  const { wrong, misheld } = await checkLedger(auditor)
  return [wrong, misheld]
}

async function take(purse: Purse, amountMinor: bigint, more: { original?: PaymentId; feeMinor?: bigint } = {}): Promise<PaymentId | string> {
  const acceptance = testAcceptance(purse.merchant)
  const direction = more.original === undefined ? 'payout' as const : 'refund' as const
  const id = newId(direction, from)
  const payment = { ...acceptance.payment, id, direction, original: more.original ?? null, feeMinor: more.feeMinor ?? 0n, money: { amountMinor, currency } }
  const event = emit({ ...from, process: 'gateway' }, 'payment.accepted', purse.merchant.tenant, { payment: id, status: 'accepted' })
  const { kind } = await acceptPayment(gateway, { ...acceptance, payment, event })
  return kind === 'accepted' ? id : kind
}

async function repay(purse: Purse): Promise<bigint> {
  return inTenant(dispatcher, purse.merchant.tenant, (tx) => repayDebtIn(tx, { id: newId('adjustment', from), currency, reason: 'r', at: new Date() }))
}

describe('a reversal', () => {
  for (const feeMinor of [0n, 15n]) {
    test(`of a collection with a fee of ${feeMinor} brings it to nothing, where its money is there`, async () => {
      const purse = await open()
      const collection = await purse.move(500n, { feeMinor })
      assert.deepEqual([await purse.reverse(collection), await purse.reverse(collection)], ['recorded', 'superseded'])
      assert.deepEqual(await held(purse), {})
      assert.deepEqual(await balance(purse), [0n, 0n, 0n])
    })

    test(`of a payout with a fee of ${feeMinor} gives the merchant back what it took`, async () => {
      const purse = await open()
      await purse.move(900n)
      const before = await held(purse)
      const payout = await take(purse, 300n, { feeMinor }) as PaymentId
      await purse.end(payout, 'succeeded')
      assert.equal(await purse.reverse(payout), 'recorded')
      assert.deepEqual(await held(purse), before)
    })

    test(`of a refund with a fee of ${feeMinor} likewise, and it may be given back again`, async () => {
      const purse = await open()
      const collection = await purse.move(900n)
      const before = await held(purse)
      const refund = await take(purse, 850n, { original: collection, feeMinor }) as PaymentId
      await purse.end(refund, 'succeeded')
      assert.equal(await take(purse, 100n, { original: collection }), 'refund_exceeds')
      assert.equal(await purse.reverse(refund), 'recorded')
      assert.deepEqual(await held(purse), before)
      assert.match(await take(purse, 100n, { original: collection }), /^rfd_/)
    })
  }

  test('of what has not succeeded does not happen', async () => {
    const purse = await open()
    const waiting = await purse.begin(100n)
    assert.equal(await purse.reverse(waiting), 'superseded')
    const failed = await purse.begin(100n)
    await purse.end(failed, 'failed')
    assert.equal(await purse.reverse(failed), 'superseded')
  })

  test('is asked about because a person wants to know, who is told of as the one who asked', async () => {
    const purse = await open()
    const collection = await purse.move(500n)
    const ask = (payment: PaymentId) => recheckPayment(operator, payment, (tenant) => emit({ ...from, process: 'operator' }, 'payment.recheck_asked', tenant, { payment }))
    assert.deepEqual(await ask(collection), purse.merchant.tenant)
    const told = await database.asAdmin(`SELECT process FROM ngome.events WHERE type = 'payment.recheck_asked' AND merchant = $1 AND data->>'payment' = $2`, [purse.merchant.tenant.merchant, collection])
    const jobs = await database.asAdmin(`SELECT data->>'recheck' AS recheck FROM pgboss.job WHERE name = 'payment-enquire' AND data->>'payment' = $1`, [collection])
    assert.deepEqual([told, jobs], [[{ process: 'operator' }], [{ recheck: 'true' }]])
    await purse.reverse(collection)
    assert.equal(await ask(collection), undefined)
  })

  test('is never refused for lack of money: the rest is owed, and repaid of what comes before anything else is taken', async () => {
    const purse = await open()
    const collection = await purse.move(500n, { feeMinor: 20n })
    const payout = await take(purse, 400n) as PaymentId
    assert.equal(await purse.reverse(collection), 'recorded')
    assert.deepEqual(await held(purse), { merchant_debt: -400n })
    assert.deepEqual(await balance(purse), [0n, 400n, 400n])
    await purse.end(payout, 'succeeded')
    await purse.move(150n)
    assert.deepEqual(await balance(purse), [0n, 0n, 250n])
    assert.equal(await take(purse, 1n), 'not_covered')
    assert.equal(await repayDebts(dispatcher, from, never), 1)
    assert.equal(await repayDebts(dispatcher, from, never), 0)
    assert.deepEqual(await held(purse), { merchant_debt: -250n, provider_clearing: 250n })
    await purse.move(300n)
    assert.deepEqual(await balance(purse), [50n, 0n, 0n])
    // Before it is repaid as after.
    assert.equal(await take(purse, 51n), 'not_covered')
    await repayDebts(dispatcher, from, never)
    assert.deepEqual(await held(purse), { merchant_available: 50n, provider_clearing: -50n })
    assert.match(await take(purse, 50n), /^pyt_/)
    assert.deepEqual(await findings(), [[], []])
  })

  test('happens once, however many hear of it at once', async () => {
    const purse = await open()
    const [one, other] = [await purse.move(100n), await purse.move(200n)]
    const outcomes = await Promise.all([purse.reverse(one), purse.reverse(other), purse.reverse(one), purse.reverse(other)])
    assert.deepEqual(outcomes.toSorted(), ['recorded', 'recorded', 'superseded', 'superseded'])
    assert.deepEqual(await held(purse), {})
  })

  test('of a collection is before a refund of it or after: who comes second sees the first', async () => {
    for (const first of ['reversal', 'refund'] as const) {
      const purse = await open()
      const collection = await purse.move(500n)
      const client = await database.open(first === 'refund' ? 'ngome_gateway' : 'ngome_dispatcher', { poolMax: 1 }).pool.connect()
      try {
        const { merchant, world } = purse.merchant.tenant
        await client.query('BEGIN')
        await client.query(`SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true)`, [merchant, world])
        if (first === 'reversal') await client.query(`UPDATE ngome.payments SET status = 'reversed' WHERE id = $1`, [collection])
        else await client.query('SELECT id FROM ngome.payments WHERE id = $1 FOR NO KEY UPDATE', [collection])
        let isDone = false
        const second = (first === 'reversal' ? take(purse, 100n, { original: collection }) : purse.reverse(collection)).finally(() => { isDone = true })
        await database.asAdmin('SELECT pg_sleep(0.2)')
        assert.equal(isDone, false)
        await client.query('COMMIT')
        assert.equal(await second, first === 'reversal' ? 'not_refundable' : 'recorded')
      } finally {
        client.release()
      }
    }
    assert.deepEqual(await findings(), [[], []])
  })

  test('is no way around the ledger: neither gateway nor dispatcher writes its transfers, and who changes the status has them written', async () => {
    const purse = await open()
    const collection = await purse.move(500n)
    const { merchant, world } = purse.merchant.tenant
    const forged = (phase: string): string => `
      SELECT set_config('ngome.merchant', '${merchant}', false), set_config('ngome.world', '${world}', false);
      INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
      VALUES ('${merchant}', '${world}', '${collection}', 'collection_reversal', '${phase}',
        ngome.account_id('${merchant}', '${world}', 'merchant_debt', '', 'EUR'), ngome.account_id('${merchant}', '${world}', 'provider_clearing', 'mtn-sandbox', 'EUR'),
        'merchant_debt', 'provider_clearing', 500, 'EUR', now())`
    for (const role of ['ngome_gateway', 'ngome_dispatcher'] as const) {
      for (const phase of ['pending', 'posted', 'voided']) await assert.rejects(database.open(role, { poolMax: 1 }).pool.query(forged(phase)), role)
    }
    await assert.rejects(database.asAdmin(forged('pending')), { code: 'NG001' })
    await database.asAdmin(`UPDATE ngome.payments SET status = 'reversed' WHERE id = '${collection}'`)
    for (const phase of ['pending', 'posted', 'voided']) await assert.rejects(database.asAdmin(forged(phase)), phase)
    assert.deepEqual(await held(purse), { merchant_available: 500n, merchant_debt: -500n })
    assert.deepEqual(await findings(), [[], []])
    await repayDebts(dispatcher, from, never)
  })
})

describe('a debt', () => {
  test('is repaid once, however many repay at once, and never more than is owed or there', async () => {
    const purse = await open()
    await purse.move(100n)
    await inTenant(operator, purse.merchant.tenant, (tx) => makeAdjustment(tx, {
      id: newId('adjustment', from), kind: 'suspense_from_debt', network: 'mtn-sandbox', money: { amountMinor: 70n, currency }, reason: 'r', madeBy: 'b', atMs: systemClock.nowMs(),
    }))
    const repaid = await Promise.all(Array.from({ length: 8 }, () => repay(purse)))
    assert.deepEqual(repaid.filter((amount) => amount > 0n), [70n])
    assert.deepEqual([await repay(purse), await balance(purse)], [0n, [30n, 0n, 0n]])
  })

  test('is not the operator\'s to repay by hand', async () => {
    const purse = await open()
    await purse.move(100n)
    await assert.rejects(inTenant(operator, purse.merchant.tenant, (tx) => makeAdjustment(tx, {
      id: newId('adjustment', from), kind: 'debt_repayment' as never, network: 'mtn-sandbox', money: { amountMinor: 70n, currency }, reason: 'r', madeBy: 'b', atMs: systemClock.nowMs(),
    })), { code: 'NG043' })
  })

  test('is not settled to the bank, repaid or not; the statement says what a reversal gave back and what was repaid', async () => {
    const purse = await open()
    const [, reversed] = [await purse.move(300n), await purse.move(500n)]
    const payout = await purse.move(100n, { direction: 'payout' })
    await purse.reverse(payout)
    // As where nothing was there to repay it with.
    await database.asAdmin(`UPDATE ngome.payments SET status = 'reversed' WHERE id = '${reversed}'`)
    const other = await open()
    await other.move(20n)
    await other.reverse(await other.move(70n))
    while (await takeStep(dispatcher, from, 'UTC')) continue
    const settled = await settleDay(operator, { ...from, process: 'operator' }, purse.merchant.tenant, { currency, minimumMinor: 0n }, () => null)
    assert.equal(settled.kind === 'settled' ? settled.amountMinor : settled.kind, 300n)
    assert.deepEqual(await balance(purse), [0n, 0n, 0n])
    await repayDebts(dispatcher, from, never)
    assert.deepEqual([await balance(purse), (await held(purse))['merchant_debt']], [[0n, 0n, 0n], undefined])
    const [last] = await database.asAdmin("SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM ngome.closed_days")
    const period = { currency, from: '2020-01-01', to: last?.['day'] as string }
    const read = async (of: Purse) => (await listStatementEntries(gateway, of.merchant.tenant, period, firstPosition, 20))
      .map(({ kind, isCredit, amountMinor }) => `${kind} ${isCredit ? '+' : '-'}${amountMinor}`)
    assert.deepEqual(await read(purse), ['collection +300', 'collection +500', 'payout -100', 'payout_reversal +100'])
    assert.deepEqual(await read(other), ['collection +20', 'collection +70', 'debt_repayment -70'])
    assert.equal((await findStatement(gateway, other.merchant.tenant, period))?.closingMinor, 20n)
    assert.deepEqual(await findings(), [[], []])
  })
})

test('however credits, takings, reversals and repayments interleave, nothing falls below zero and nothing is owed that is not', async () => {
  const steps = fc.array(fc.record({
    kind: fc.constantFrom('earn', 'earn', 'take', 'take', 'end', 'reverse', 'reverse', 'repay', 'refund'), amountMinor: fc.bigInt(2n, 300n), feeMinor: fc.bigInt(0n, 1n),
  }), { minLength: 8, maxLength: 24 })
  await fc.assert(fc.asyncProperty(steps, async (plan) => {
    const purse = await open()
    const [ended, waiting] = [[await purse.move(200n), await purse.move(90n)], [] as PaymentId[]]
    await Promise.all(plan.map(async ({ kind, amountMinor, feeMinor }) => {
      switch (kind) {
        case 'earn': return ended.push(await purse.move(amountMinor, { feeMinor }))
        case 'refund':
        case 'take': {
          const [original] = ended
          const taken = await take(purse, amountMinor, { feeMinor, ...kind === 'refund' && original !== undefined ? { original } : {} })
          return taken.includes('_') && /^(pyt|rfd)_/.test(taken) ? waiting.push(taken as PaymentId) : undefined
        }
        case 'end': {
          const payment = waiting.pop()
          if (payment === undefined) return undefined
          await purse.end(payment, amountMinor % 2n === 0n ? 'failed' : 'succeeded')
          return amountMinor % 2n === 0n ? undefined : ended.push(payment)
        }
        case 'reverse': {
          const payment = ended.shift()
          return payment === undefined ? undefined : purse.reverse(payment)
        }
        default: return repay(purse)
      }
    }))
    const [available = 0n, , owed = 0n] = await balance(purse)
    const now = await held(purse)
    assert.ok((now['merchant_available'] ?? 0n) >= 0n && (now['merchant_debt'] ?? 0n) <= 0n, JSON.stringify(Object.keys(now)))
    assert.equal(available - owed, (now['merchant_available'] ?? 0n) + (now['merchant_debt'] ?? 0n))
    const [sum] = await database.asAdmin(`SELECT coalesce(sum(t.posted_in - t.posted_out), 0)::text AS all
      FROM ngome.accounts a, ngome.account_totals(a.id) t WHERE a.merchant = $1`, [purse.merchant.tenant.merchant])
    assert.equal(sum?.['all'], '0')
    await repay(purse)
    const after = await held(purse)
    assert.ok((after['merchant_available'] ?? 0n) === 0n || (after['merchant_debt'] ?? 0n) === 0n)
    assert.deepEqual((await balance(purse)).toSpliced(1, 1), [available, owed])
  }), { numRuns: 8 })
  assert.deepEqual(await findings(), [[], []])
})
