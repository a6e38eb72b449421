import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PaymentDirection } from '@ngome/contracts'
import { emit } from '@ngome/contracts'
import { systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { accountFor } from '@ngome/payments'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import fc from 'fast-check'
import type { Database } from './database.ts'
import { checkLedger } from './ledger-check.ts'
import { acceptPayment } from './payments/accept-payment.ts'

const from = { clock: systemClock, random: systemRandom }

let database: TestDatabase
let gateway: Database
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway', { poolMax: 8 })
})
after(() => database.close())

/** Money comes, is taken, and is given back, by as many connections at once as the pool has. */
class Till {
  readonly merchant: TestMerchant

  private constructor(merchant: TestMerchant) {
    this.merchant = merchant
  }

  static async open(): Promise<Till> {
    return new Till(await addTestMerchant(database))
  }

  async begin(direction: PaymentDirection, amountMinor: bigint): Promise<PaymentId | 'not_covered'> {
    const acceptance = testAcceptance(this.merchant)
    const payment = { ...acceptance.payment, direction, money: { amountMinor, currency: 'EUR' as const } }
    const event = emit({ ...from, process: 'gateway' }, 'payment.accepted', this.merchant.tenant, { payment: payment.id, status: 'accepted' })
    const outcome = await acceptPayment(gateway, { ...acceptance, payment, event })
    if (outcome.kind === 'accepted') return payment.id
    assert.equal(outcome.kind, 'not_covered')
    return 'not_covered'
  }

  async end(payment: PaymentId, phase: 'posted' | 'voided'): Promise<void> {
    await database.asAdmin(`INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind,
        credit_kind, amount_minor, currency, at)
      SELECT merchant, world, payment, kind, $2, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, now()
      FROM ngome.transfers WHERE payment = $1 AND NOT is_end`, [payment, phase])
  }

  async earn(amountMinor: bigint): Promise<void> {
    const payment = await this.begin('collection', amountMinor)
    if (payment !== 'not_covered') await this.end(payment, 'posted')
  }

  get account(): string {
    return accountFor(this.merchant.tenant, 'merchant_available', '', 'EUR').id
  }

  async totals(): Promise<{ available: bigint; pending: bigint; reserved: bigint }> {
    const [row] = await database.asAdmin(`SELECT (posted_in - posted_out - pending_out)::text AS available, pending_in::text AS pending,
      pending_out::text AS reserved FROM ngome.account_totals($1)`, [this.account])
    const of = (name: string): bigint => {
      const text = row?.[name]
      return typeof text === 'string' ? BigInt(text) : 0n
    }
    return { available: of('available'), pending: of('pending'), reserved: of('reserved') }
  }
}

describe('a merchant\'s money', () => {
  test('is pending until it came, available until it is taken, reserved until it went', async () => {
    const till = await Till.open()
    const collection = await till.begin('collection', 500n) as PaymentId
    assert.deepEqual(await till.totals(), { available: 0n, pending: 500n, reserved: 0n })
    await till.end(collection, 'posted')
    assert.deepEqual(await till.totals(), { available: 500n, pending: 0n, reserved: 0n })
    const payout = await till.begin('payout', 300n) as PaymentId
    assert.deepEqual(await till.totals(), { available: 200n, pending: 0n, reserved: 300n })
    await till.end(payout, 'voided')
    assert.deepEqual(await till.totals(), { available: 500n, pending: 0n, reserved: 0n })
    const refund = await till.begin('refund', 500n) as PaymentId
    await till.end(refund, 'posted')
    assert.deepEqual(await till.totals(), { available: 0n, pending: 0n, reserved: 0n })
  })

  test('that is not there is not taken, and nothing is written', async () => {
    const till = await Till.open()
    await till.earn(500n)
    assert.equal(await till.begin('payout', 501n), 'not_covered')
    const [row] = await database.asAdmin('SELECT count(*)::int AS payments FROM ngome.payments WHERE merchant = $1', [till.merchant.tenant.merchant])
    assert.equal(row?.['payments'], 1)
  })

  test('that only waits to come is not taken', async () => {
    const till = await Till.open()
    await till.begin('collection', 500n)
    assert.equal(await till.begin('payout', 1n), 'not_covered')
  })

  test('is taken by forty who come at once as often as it is there', async () => {
    const till = await Till.open()
    await till.earn(150n)
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => till.begin('payout', 10n)))
    assert.equal(outcomes.filter((outcome) => outcome !== 'not_covered').length, 15)
    assert.deepEqual(await till.totals(), { available: 0n, pending: 0n, reserved: 150n })
  })

  test('is never less than nothing, however takings, givings back and incomes interleave', async () => {
    const steps = fc.array(fc.record({
      kind: fc.constantFrom('earn', 'take', 'take', 'give back', 'pay out'), amountMinor: fc.bigInt(1n, 300n),
    }), { minLength: 5, maxLength: 24 })
    await fc.assert(fc.asyncProperty(steps, async (plan) => {
      const till = await Till.open()
      const taken: PaymentId[] = []
      await Promise.all(plan.map(async ({ kind, amountMinor }) => {
        if (kind === 'earn') return till.earn(amountMinor)
        if (kind === 'take') {
          const payment = await till.begin('payout', amountMinor)
          if (payment !== 'not_covered') taken.push(payment)
          return undefined
        }
        const payment = taken.pop()
        return payment === undefined ? undefined : till.end(payment, kind === 'give back' ? 'voided' : 'posted')
      }))
      const { available, pending, reserved } = await till.totals()
      assert.ok(available >= 0n && pending === 0n && reserved >= 0n)
      // What was added up before is the same sum.
      await database.asAdmin('SELECT ngome.add_up_account($1)', [till.account])
      assert.deepEqual(await till.totals(), { available, pending, reserved })
    }), { numRuns: 12 })
    const report = await checkLedger(database.open('ngome_auditor'))
    assert.deepEqual(report.misheld, [])
  })

  test('is added up anew where much came since, without what has not ended yet', async () => {
    const till = await Till.open()
    await till.earn(1_000n)
    for (let count = 0; count < 30; count++) await Promise.all(Array.from({ length: 5 }, () => till.earn(10n)))
    await till.begin('payout', 1n)
    const [sums] = await database.asAdmin('SELECT posted_in, below > \'0\'::xid8 AS is_added_up FROM ngome.account_sums WHERE account = $1', [till.account])
    assert.deepEqual({ ...sums }, { posted_in: '2500', is_added_up: true })
    assert.deepEqual(await till.totals(), { available: 2_499n, pending: 0n, reserved: 1n })
  })

  test('is not taken by who sees only what was before: a transaction that repeats its reads', async () => {
    const till = await Till.open()
    await till.earn(100n)
    const payout = await till.begin('payout', 10n)
    await assert.rejects(database.asAdmin(`
      SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
      INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
      SELECT merchant, world, payment, 'refund', phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at
      FROM ngome.transfers WHERE payment = '${payout}'`), { code: 'NG001' })
  })
})

test('who asks for money does not say that it came, and who says so asks for none', async () => {
  const till = await Till.open()
  const { merchant, world } = till.merchant.tenant
  const copy = (payment: PaymentId, phase: string, kind: string): string => `
    SELECT set_config('ngome.merchant', '${merchant}', false), set_config('ngome.world', '${world}', false);
    INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
    VALUES ('${merchant}', '${world}', '${payment}', '${kind}', '${phase}', '${clearing}', '${till.account}', 'provider_clearing', 'merchant_available', 500, 'EUR', now())`
  const clearing = accountFor(till.merchant.tenant, 'provider_clearing', 'mtn-sandbox', 'EUR').id
  const payment = await till.begin('collection', 500n) as PaymentId
  for (const phase of ['posted', 'voided']) {
    await assert.rejects(database.open('ngome_gateway', { poolMax: 1 }).pool.query(copy(payment, phase, 'collection')), { code: '42501' })
  }
  await assert.rejects(database.open('ngome_dispatcher', { poolMax: 1 }).pool.query(copy(payment, 'pending', 'collection')), { code: '42501' })
  assert.deepEqual(await till.totals(), { available: 0n, pending: 500n, reserved: 0n })
})

test('the check of the ledger sees a sum that was bent, and what was taken and was not there', async () => {
  const till = await Till.open()
  await till.earn(100n)
  await database.asAdmin('UPDATE ngome.account_sums SET posted_in = 5 WHERE account = $1', [till.account])
  assert.deepEqual((await checkLedger(database.open('ngome_auditor'))).misheld, [till.account])
  await database.asAdmin('UPDATE ngome.account_sums SET posted_in = 0 WHERE account = $1', [till.account])
  assert.deepEqual((await checkLedger(database.open('ngome_auditor'))).misheld, [])
})
