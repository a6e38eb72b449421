import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { accountFor } from '@ngome/payments'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import fc from 'fast-check'
import type { Database } from './database.ts'
import { checkLedger } from './ledger-check.ts'
import { acceptPayment, type NewPayment } from './payments/accept-payment.ts'

const from = { clock: systemClock, random: systemRandom }

let database: TestDatabase
let gateway: Database
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway', { poolMax: 8 })
})
after(() => database.close())

type Refused = 'not_covered' | 'not_refundable' | 'refund_exceeds'

/** Money comes, is taken, and is given back, by as many connections at once as the pool has. */
class Till {
  readonly merchant: TestMerchant

  private constructor(merchant: TestMerchant) {
    this.merchant = merchant
  }

  static async open(): Promise<Till> {
    return new Till(await addTestMerchant(database))
  }

  async begin(direction: 'collection' | 'payout', amountMinor: bigint, feeMinor = 0n): Promise<PaymentId | 'not_covered'> {
    const acceptance = testAcceptance(this.merchant)
    const id = newId(direction === 'payout' ? 'payout' : 'payment', from)
    const outcome = await this.#accept({ ...acceptance.payment, id, direction, money: { amountMinor, currency: 'EUR' }, feeMinor })
    if (outcome === 'not_refundable' || outcome === 'refund_exceeds') throw new Error(`a ${direction} gives nothing back`)
    return outcome
  }

  /** @returns `refund_exceeds` or `not_refundable` where the collection has no more to give back */
  refund(original: PaymentId, amountMinor: bigint): Promise<PaymentId | Refused> {
    const { payment } = testAcceptance(this.merchant)
    return this.#accept({ ...payment, id: newId('refund', from), direction: 'refund', original, money: { amountMinor, currency: 'EUR' } })
  }

  async #accept(payment: NewPayment): Promise<PaymentId | Refused> {
    const event = emit({ ...from, process: 'gateway' }, 'payment.accepted', this.merchant.tenant, { payment: payment.id, status: 'accepted' })
    const outcome = await acceptPayment(gateway, { ...testAcceptance(this.merchant), payment, event })
    if (outcome.kind === 'accepted') return payment.id
    assert.ok(outcome.kind === 'not_covered' || outcome.kind === 'not_refundable' || outcome.kind === 'refund_exceeds', outcome.kind)
    return outcome.kind
  }

  async end(payment: PaymentId, phase: 'posted' | 'voided'): Promise<void> {
    await database.asAdmin(`
      UPDATE ngome.payments SET status = 'processing' WHERE id = '${payment}';
      UPDATE ngome.payments SET status = '${phase === 'posted' ? 'succeeded' : 'failed'}',
        failure = ${phase === 'posted' ? 'NULL' : `'network_refused'`} WHERE id = '${payment}';
      INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind,
        credit_kind, amount_minor, currency, at)
      SELECT merchant, world, payment, kind, '${phase}', debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, now()
      FROM ngome.transfers WHERE payment = '${payment}' AND NOT is_end`)
  }

  /** A collection that succeeded. */
  async earn(amountMinor: bigint, feeMinor = 0n): Promise<PaymentId> {
    const payment = await this.begin('collection', amountMinor, feeMinor)
    if (payment === 'not_covered') throw new Error('a collection takes nothing')
    await this.end(payment, 'posted')
    return payment
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
    const refund = await till.refund(collection, 500n) as PaymentId
    await till.end(refund, 'posted')
    assert.deepEqual(await till.totals(), { available: 0n, pending: 0n, reserved: 0n })
  })

  test('is what came without the fee; what is paid out takes its fee beside it', async () => {
    const till = await Till.open()
    await till.earn(500n, 20n)
    assert.deepEqual(await till.totals(), { available: 480n, pending: 0n, reserved: 0n })
    assert.equal(await till.begin('payout', 480n, 1n), 'not_covered')
    const payout = await till.begin('payout', 470n, 10n) as PaymentId
    assert.deepEqual(await till.totals(), { available: 0n, pending: 0n, reserved: 480n })
    await till.end(payout, 'posted')
    const fees = accountFor(till.merchant.tenant, 'platform_fees', '', 'EUR').id
    const [row] = await database.asAdmin('SELECT posted_in FROM ngome.account_totals($1)', [fees])
    assert.equal(row?.['posted_in'], '30')
    const { wrong, misheld } = await checkLedger(database.open('ngome_auditor'))
    assert.deepEqual([wrong.includes(payout), misheld], [false, []])
  })

  test('goes back to a payer once: all refunds together are no more than came, however many come at once', async () => {
    const till = await Till.open()
    const collection = await till.earn(100n)
    await till.earn(1_000n)
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => till.refund(collection, 15n)))
    assert.equal(outcomes.filter((outcome) => outcome === 'refund_exceeds').length, 14)
    const [first = ''] = outcomes.filter((outcome) => outcome.startsWith('rfd_'))
    await till.end(first as PaymentId, 'voided')
    assert.ok((await till.refund(collection, 25n)).startsWith('rfd_'))
    assert.equal(await till.refund(collection, 1n), 'refund_exceeds')
  })

  test('goes back only of a collection that came', async () => {
    const till = await Till.open()
    await till.earn(500n)
    const waiting = await till.begin('collection', 100n) as PaymentId
    assert.equal(await till.refund(waiting, 10n), 'not_refundable')
    const payout = await till.begin('payout', 100n) as PaymentId
    assert.equal(await till.refund(payout, 10n), 'not_refundable')
    const others = await (await Till.open()).earn(100n)
    assert.equal(await till.refund(others, 10n), 'not_refundable')
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
    const another = newId('payout', from)
    const again = (isolation: string): string => `
      SET TRANSACTION ISOLATION LEVEL ${isolation};
      CREATE TEMPORARY TABLE copy ON COMMIT DROP AS SELECT * FROM ngome.payments WHERE id = '${payout}';
      UPDATE copy SET id = '${another}';
      INSERT INTO ngome.payments SELECT * FROM copy;
      INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
      SELECT merchant, world, '${another}', kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at
      FROM ngome.transfers WHERE payment = '${payout}'`
    await assert.rejects(database.asAdmin(again('REPEATABLE READ')), { code: 'NG001', message: /must see what was taken before/ })
    await database.asAdmin(again('READ COMMITTED'))
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
  await assert.rejects(database.open('ngome_gateway', { poolMax: 1 }).pool.query(copy(payment, 'posted', 'collection')), { code: 'NG001' })
  // Only what its state says: who gives money back before anything was sent has cancelled the payment first.
  await assert.rejects(database.open('ngome_gateway', { poolMax: 1 }).pool.query(copy(payment, 'voided', 'collection')), { code: 'NG001' })
  await database.asAdmin(`UPDATE ngome.payments SET status = 'processing' WHERE id = '${payment}'`)
  await database.asAdmin(`UPDATE ngome.payments SET status = 'succeeded' WHERE id = '${payment}'`)
  await assert.rejects(database.open('ngome_gateway', { poolMax: 1 }).pool.query(copy(payment, 'posted', 'collection')), { code: '42501' })
  await assert.rejects(database.open('ngome_dispatcher', { poolMax: 1 }).pool.query(copy(await till.begin('collection', 500n) as PaymentId, 'pending', 'collection')), { code: '42501' })
  assert.deepEqual(await till.totals(), { available: 0n, pending: 1_000n, reserved: 0n })
})

test('the check of the ledger sees a sum that was bent, and what was taken and was not there', async () => {
  const till = await Till.open()
  await till.earn(100n)
  await database.asAdmin('UPDATE ngome.account_sums SET posted_in = 5 WHERE account = $1', [till.account])
  assert.deepEqual((await checkLedger(database.open('ngome_auditor'))).misheld, [till.account])
  await database.asAdmin('UPDATE ngome.account_sums SET posted_in = 0 WHERE account = $1', [till.account])
  assert.deepEqual((await checkLedger(database.open('ngome_auditor'))).misheld, [])
})
