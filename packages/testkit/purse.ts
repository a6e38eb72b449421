import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type Currency, type PaymentId, type Tenant, type World } from '@ngome/kernel'
import {
  acceptPayment, insertDataKey, markAttemptSent, prepareAttempt, recordOutcome, recordReversal, type Database,
} from '@ngome/store'
import { addTestMerchant, testAcceptance, type TestMerchant } from './payments.ts'
import type { TestDatabase } from './postgres.ts'

const from = { clock: systemClock, random: systemRandom }

/** A merchant whose payments begin and end as the gateway and the dispatcher let them. */
export class Purse {
  readonly merchant: TestMerchant
  readonly #gateway: Database
  readonly #dispatcher: Database

  private constructor(merchant: TestMerchant, gateway: Database, dispatcher: Database) {
    this.merchant = merchant
    this.#gateway = gateway
    this.#dispatcher = dispatcher
  }

  static async open(database: TestDatabase, gateway: Database, dispatcher: Database, world: World = 'test'): Promise<Purse> {
    return new Purse(await addTestMerchant(database, world), gateway, dispatcher)
  }

  /** For a merchant that is there already. */
  static async of(tenant: Tenant, gateway: Database, dispatcher: Database): Promise<Purse> {
    const dataKey = newId('dataKey', from)
    await insertDataKey(gateway, { id: dataKey, tenant, retention: 'payment', sealed: from.random.bytes(1_200), createdAtMs: from.clock.nowMs() })
    return new Purse({ tenant, dataKey }, gateway, dispatcher)
  }

  /** @returns the payment, whose transfers wait */
  async begin(amountMinor: bigint, more: { direction?: 'collection' | 'payout'; currency?: Currency; reference?: string; feeMinor?: bigint } = {}): Promise<PaymentId> {
    const { direction = 'collection', currency = 'EUR', reference = 'order-42', feeMinor = 0n } = more
    const acceptance = testAcceptance(this.merchant)
    const id = newId(direction === 'payout' ? 'payout' : 'payment', from)
    const payment = { ...acceptance.payment, id, direction, reference, feeMinor, money: { amountMinor, currency } }
    const event = emit({ ...from, process: 'gateway' }, 'payment.accepted', this.merchant.tenant, { payment: payment.id, status: 'accepted' })
    assert.equal((await acceptPayment(this.#gateway, { ...acceptance, payment, event })).kind, 'accepted')
    return payment.id
  }

  /** Sends it, or takes over what was sent. @returns the fence of its attempt */
  async send(payment: PaymentId): Promise<number> {
    const { tenant } = this.merchant
    const attempt = await prepareAttempt(this.#dispatcher, tenant, payment,
      { id: newId('attempt', from), reference: randomUUID(), factsProof: systemRandom.bytes(32), atMs: from.clock.nowMs() })
    await markAttemptSent(this.#dispatcher, tenant, { payment, fence: attempt?.fence ?? 0, atMs: from.clock.nowMs() },
      emit({ ...from, process: 'dispatcher' }, 'payment.processing', tenant, { payment, status: 'processing' }), () => null)
    return attempt?.fence ?? 0
  }

  async end(payment: PaymentId, status: 'succeeded' | 'failed', networkReference = 'net-1'): Promise<void> {
    const { tenant } = this.merchant
    const emitting = { ...from, process: 'dispatcher' } as const
    const fence = await this.send(payment)
    const outcome = status === 'succeeded' ? { status, networkReference } as const
      : { status, failure: 'payer_refused', networkReason: 'REFUSED' } as const
    const event = status === 'succeeded' ? emit(emitting, 'payment.succeeded', tenant, { payment, status })
      : emit(emitting, 'payment.failed', tenant, { payment, status, failure: 'payer_refused' })
    const record = { payment, fence, outcome, event, prove: () => null }
    assert.equal(await recordOutcome(this.#dispatcher, from, tenant, record), 'recorded')
  }

  /** The network takes back what succeeded. */
  async reverse(payment: PaymentId, areRefundsReversals = false): Promise<'recorded' | 'superseded'> {
    const { tenant } = this.merchant
    const event = emit({ ...from, process: 'dispatcher' }, 'payment.reversed', tenant, { payment, status: 'reversed' })
    return recordReversal(this.#dispatcher, from, tenant, { payment, event, prove: () => null, areRefundsReversals })
  }

  async move(amountMinor: bigint, more: Parameters<Purse['begin']>[1] = {}): Promise<PaymentId> {
    const payment = await this.begin(amountMinor, more)
    await this.end(payment, 'succeeded')
    return payment
  }
}

/** Makes the ledger of a test older than it is, so that there are days to close one after the other. */
export async function ageLedger(database: TestDatabase, days: number): Promise<void> {
  await database.asAdmin(`INSERT INTO ngome.ledger_days (day, ends_at, time_zone, era, below)
    SELECT d, (d + 1)::timestamp AT TIME ZONE 'UTC', 'UTC', 0, '0' FROM (SELECT (now() AT TIME ZONE 'UTC')::date - $1::int AS d) x`, [days])
  await database.asAdmin(`INSERT INTO ngome.closed_days (day, accounts, hash_before, hash)
    SELECT day, 0, '', ngome.closed_day_hash('', day) FROM ngome.ledger_days`)
}
