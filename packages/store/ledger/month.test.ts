import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { formatMoney, newId, systemClock, systemRandom, type Currency, type PaymentId } from '@ngome/kernel'
import { accountFor, statementCamt, statementCsv, sumOf, writeStatement, type AdjustmentKind } from '@ngome/payments'
import { ageLedger, Purse, SeededRandom, seedFrom, testAcceptance, testDatabase, type TestDatabase } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { checkLedger } from '../ledger-check.ts'
import { acceptPayment } from '../payments/accept-payment.ts'
import { findBalances } from '../payments/find-balances.ts'
import { endSettlement } from '../settlements/end-settlement.ts'
import { settleDay } from '../settlements/settle-day.ts'
import { inTenant } from '../transaction.ts'
import { takeStep } from './close-days.ts'
import { findStatement, firstPosition, listStatementEntries } from './find-statement.ts'
import { makeAdjustment } from './make-adjustment.ts'
import { repayDebts } from './repay-debts.ts'

const from = { clock: systemClock, random: systemRandom }
const never = new AbortController().signal
const monthDays = 30

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let operator: Database
before(async () => {
  database = await testDatabase()
  await ageLedger(database, monthDays + 2)
  gateway = database.open('ngome_gateway', { poolMax: 2 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 3 })
  operator = database.open('ngome_operator', { poolMax: 2 })
})
after(() => database.close())

/** Of each currency its digits: an amount of 100,005 minor units. */
const currencies: readonly (readonly [Currency, string])[] = [['KES', '1000.05'], ['GHS', '1000.05'], ['XOF', '100005'], ['RWF', '100005'], ['UGX', '100005']]

const lastClosed = async (): Promise<string> =>
  String((await database.asAdmin("SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM ngome.closed_days"))[0]?.['day'])
async function closeDay(): Promise<string> {
  const day = await lastClosed()
  while (await lastClosed() === day) assert.ok(await takeStep(dispatcher, from, 'UTC'))
  return lastClosed()
}

/** One merchant's month in one currency: what it does on a day, by chance. */
class Month {
  readonly currency: Currency
  readonly #purse: Purse
  readonly #chance: SeededRandom
  readonly #collections: PaymentId[] = []

  constructor(purse: Purse, currency: Currency, chance: SeededRandom) {
    this.#purse = purse
    this.currency = currency
    this.#chance = chance
  }

  get tenant() {
    return this.#purse.merchant.tenant
  }

  async begin(): Promise<void> {
    this.#collections.push(await this.#purse.move(100_005n, { currency: this.currency, feeMinor: 5n }))
  }

  async day(): Promise<void> {
    const { currency } = this
    const amount = BigInt(this.#chance.between(1_000, 9_999))
    switch (this.#chance.between(0, 7)) {
      case 0: case 1: case 2: return void this.#collections.push(await this.#purse.move(amount, { currency, feeMinor: 5n }))
      case 3: return void await this.#take({ direction: 'payout', feeMinor: 3n }, amount / 10n)
      case 4: return void await this.#take({ direction: 'refund', original: this.#collections.at(-1) ?? assert.fail(), feeMinor: 2n }, 100n)
      case 5: return this.#reverse()
      case 6: return this.#correct(amount)
      default: return this.#settle()
    }
  }

  async #take(more: { direction: 'payout' | 'refund'; original?: PaymentId; feeMinor: bigint }, amountMinor: bigint): Promise<PaymentId | undefined> {
    const acceptance = testAcceptance(this.#purse.merchant)
    const id = newId(more.direction, from)
    const payment = { ...acceptance.payment, id, original: null, ...more, money: { amountMinor, currency: this.currency } }
    const event = emit({ ...from, process: 'gateway' }, 'payment.accepted', this.tenant, { payment: id, status: 'accepted' })
    const { kind } = await acceptPayment(gateway, { ...acceptance, payment, event })
    if (kind !== 'accepted') return undefined
    await this.#purse.end(id, 'succeeded')
    return id
  }

  async #reverse(): Promise<void> {
    const payout = await this.#take({ direction: 'payout', feeMinor: 3n }, 50n)
    if (payout !== undefined) await this.#purse.reverse(payout)
    const collection = this.#collections.pop()
    if (collection !== undefined) await this.#purse.reverse(collection)
    this.#collections.push(await this.#purse.move(700n, { currency: this.currency }))
    await repayDebts(dispatcher, from, never)
  }

  /** What a report showed, and whose it is. */
  async #correct(amountMinor: bigint): Promise<void> {
    const make = (kind: AdjustmentKind) => inTenant(operator, this.tenant, (tx) => makeAdjustment(tx, {
      id: newId('adjustment', from), kind, network: 'mtn-sandbox', money: { amountMinor, currency: this.currency }, reason: 'report of the month', madeBy: 'ann', atMs: from.clock.nowMs(),
    }))
    await make('suspense_in')
    await make('suspense_to_merchant')
  }

  async #settle(): Promise<void> {
    const settled = await settleDay(operator, { ...from, process: 'operator' }, this.tenant, { currency: this.currency, minimumMinor: 0n }, () => null)
    if (settled.kind !== 'settled') return
    const end = this.#chance.between(0, 2) === 0 ? { state: 'failed', failure: 'account closed' } as const : { state: 'paid', bankReference: 'FT-1' } as const
    assert.equal(await endSettlement(operator, from, this.tenant, settled.settlement, end, () => null), 'done')
  }
}

test('a month of everything adds up in each currency: day by day, as a whole, in both forms, with balances and books', async (t) => {
  const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`NGOME_TEST_SEED=${seed}`)
  const chance = new SeededRandom(seed)
  const months = await Promise.all(currencies.map(async ([currency]) => new Month(await Purse.open(database, gateway, dispatcher), currency, chance)))
  for (const month of months) await month.begin()
  const days = [await closeDay()]
  while (days.length < monthDays) {
    for (const month of months) await month.day()
    days.push(await closeDay())
  }
  const [first = '', last = ''] = [days[0], days.at(-1)]
  const kinds = new Set<string>()
  for (const { tenant, currency } of months) {
    const text = (amountMinor: bigint) => formatMoney({ amountMinor, currency })
    const period = { currency, from: first, to: last }
    const whole = await findStatement(gateway, tenant, period) ?? assert.fail('not closed')
    const entries = await listStatementEntries(gateway, tenant, period, firstPosition, 1_000)
    for (const { kind } of entries) kinds.add(kind)
    assert.deepEqual([whole.openingMinor, whole.inMinor, whole.outMinor, whole.entries], [0n, sumOf(entries, true), sumOf(entries, false), entries.length], currency)
    let balance = 0n
    for (const day of days) {
      const one = await findStatement(gateway, tenant, { currency, from: day, to: day }) ?? assert.fail(day)
      assert.deepEqual([one.openingMinor, one.openingMinor + one.inMinor - one.outMinor], [balance, one.closingMinor], `${currency} ${day}`)
      balance = one.closingMinor
    }
    assert.equal(balance, whole.closingMinor)
    // Nothing waits and nothing came since, so that what is there is what the month left, with what is owed.
    const [shown] = await findBalances(gateway, tenant)
    assert.deepEqual([shown?.currency, shown?.reservedMinor], [currency, 0n])
    assert.equal((shown?.availableMinor ?? 0n) - (shown?.owedMinor ?? 0n), whole.closingMinor - await owed(tenant.merchant, currency))
    const part = {
      tenant, account: accountFor(tenant, 'merchant_available', '', currency).id, ...period, createdAtMs: whole.closedAtMs, number: 1, isLast: true,
      openingMinor: 0n, closingMinor: whole.closingMinor, entryCount: whole.entries, creditMinor: whole.inMinor, debitMinor: whole.outMinor,
    }
    const [csv, camt] = await Promise.all([statementCsv, statementCamt].map(async (form) => (await Array.fromAsync(writeStatement(form, part, [entries]))).join('')))
    assert.match(csv ?? '', new RegExp(`"closing_balance","","","","","","${text(whole.closingMinor).replace('.', '\\.')}","${currency}"\r\n$`))
    assert.ok(camt?.includes(`<TtlCdtNtries><Sum>${text(whole.inMinor)}</Sum></TtlCdtNtries><TtlDbtNtries><Sum>${text(whole.outMinor)}</Sum></TtlDbtNtries>`))
    assert.equal((camt?.split('<Ntry>').length ?? 0) - 1, entries.length)
  }
  for (const [currency, amount] of currencies) assert.equal(formatMoney({ amountMinor: 100_005n, currency }), amount)
  for (const kind of ['collection', 'payout', 'payout_fee', 'refund', 'refund_fee', 'payout_reversal', 'debt_repayment', 'settlement', 'suspense_to_merchant']) assert.ok(kinds.has(kind), kind)
  const { wrong, misheld } = await checkLedger(database.open('ngome_auditor', { poolMax: 1 }))
  assert.deepEqual([wrong, misheld], [[], []])
})

async function owed(merchant: string, currency: Currency): Promise<bigint> {
  const [row] = await database.asAdmin(`SELECT coalesce(sum(t.posted_out - t.posted_in), 0)::text AS owed
    FROM ngome.accounts a, ngome.account_totals(a.id) t WHERE a.merchant = $1 AND a.kind = 'merchant_debt' AND a.currency = $2`, [merchant, currency])
  return BigInt(row?.['owed'] as string)
}
