import { randomUUID } from 'node:crypto'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { acceptPayment, checkLedger, markAttemptSent, prepareAttempt, recordOutcome, type Database } from '@ngome/store'
import { addTestMerchant, testAcceptance, type TestDatabase, type TestMerchant } from '@ngome/testkit'

const from = { clock: systemClock, random: systemRandom }
const emitting = { ...from, process: 'dispatcher' } as const
/** More than all takings of a run take. */
const fundsMinor = 1_000_000_000n

type Sent = { readonly merchant: TestMerchant; readonly payment: PaymentId; readonly fence: number }

/** Merchants with money, and the transactions in which it moves. */
export class Book {
  readonly merchants: readonly TestMerchant[]
  readonly #database: TestDatabase
  readonly #gateway: Database
  readonly #dispatcher: Database
  readonly #atOnce: number

  private constructor(database: TestDatabase, atOnce: number, merchants: readonly TestMerchant[]) {
    this.merchants = merchants
    this.#database = database
    this.#gateway = database.open('ngome_gateway', { poolMax: atOnce })
    this.#dispatcher = database.open('ngome_dispatcher', { poolMax: atOnce })
    this.#atOnce = atOnce
  }

  static async open(database: TestDatabase, atOnce: number, count: number): Promise<Book> {
    const merchants: TestMerchant[] = []
    for (let made = 0; made < count; made++) merchants.push(await addTestMerchant(database))
    const book = new Book(database, atOnce, merchants)
    for (const merchant of merchants) await book.#end(await book.#sent(merchant, fundsMinor))
    return book
  }

  /** Collections that succeed, of these merchants in turns. @returns how many a second */
  async incomes(of: readonly number[], count: number): Promise<number> {
    const sent: Sent[] = []
    await this.#each(count, async (at) => void sent.push(await this.#sent(this.#merchantAt(of, at), 500n)))
    return this.#perSecond(count, (at) => this.#end(sent[at] ?? missing()))
  }

  /** Payouts that are accepted. @returns how many a second */
  takings(of: readonly number[], count: number): Promise<number> {
    return this.#perSecond(count, async (at) => void await this.#begin(this.#merchantAt(of, at), 'payout', 500n))
  }

  /** @throws Error where the ledger does not add up */
  async check(): Promise<void> {
    const { wrong, misheld } = await checkLedger(this.#database.open('ngome_auditor', { poolMax: 1 }))
    if (wrong.length + misheld.length > 0) throw new Error(`the ledger does not add up: ${wrong.length} payments, ${misheld.length} accounts`)
  }

  #merchantAt(of: readonly number[], at: number): TestMerchant {
    return this.merchants[of[at % of.length] ?? 0] ?? missing()
  }

  async #begin(merchant: TestMerchant, direction: 'collection' | 'payout', amountMinor: bigint): Promise<PaymentId> {
    const acceptance = testAcceptance(merchant)
    const id = newId(direction === 'payout' ? 'payout' : 'payment', from)
    const payment = { ...acceptance.payment, id, direction, money: { amountMinor, currency: 'EUR' as const } }
    const event = emit({ ...from, process: 'gateway' }, 'payment.accepted', merchant.tenant, { payment: id, status: 'accepted' })
    const outcome = await acceptPayment(this.#gateway, { ...acceptance, payment, event })
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.kind}`)
    return id
  }

  async #sent(merchant: TestMerchant, amountMinor: bigint): Promise<Sent> {
    const { tenant } = merchant
    const payment = await this.#begin(merchant, 'collection', amountMinor)
    const atMs = from.clock.nowMs()
    const attempt = await prepareAttempt(this.#dispatcher, tenant, payment,
      { id: newId('attempt', from), reference: randomUUID(), factsProof: systemRandom.bytes(32), atMs })
    const fence = attempt?.fence ?? missing()
    await markAttemptSent(this.#dispatcher, tenant, { payment, fence, atMs },
      emit(emitting, 'payment.processing', tenant, { payment, status: 'processing' }), () => null)
    return { merchant, payment, fence }
  }

  async #end({ merchant: { tenant }, payment, fence }: Sent): Promise<void> {
    const event = emit(emitting, 'payment.succeeded', tenant, { payment, status: 'succeeded' })
    const outcome = { status: 'succeeded', networkReference: null } as const
    const result = await recordOutcome(this.#dispatcher, from, tenant, { payment, fence, outcome, event, prove: () => null })
    if (result !== 'recorded') throw new Error(`not recorded: ${result}`)
  }

  async #perSecond(count: number, act: (at: number) => Promise<void>): Promise<number> {
    const startedAtMs = performance.now()
    await this.#each(count, act)
    return count * 1_000 / (performance.now() - startedAtMs)
  }

  async #each(count: number, act: (at: number) => Promise<void>): Promise<void> {
    let next = 0
    await Promise.all(Array.from({ length: this.#atOnce }, async () => {
      while (next < count) await act(next++)
    }))
  }
}

function missing(): never {
  throw new TypeError('there is none')
}
