import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type Currency, type PaymentId, type World } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../../database.ts'
import { markAttemptSent } from '../../dispatch/mark-attempt-sent.ts'
import { prepareAttempt } from '../../dispatch/prepare-attempt.ts'
import { recordOutcome } from '../../dispatch/record-outcome.ts'
import { acceptPayment } from '../../payments/accept-payment.ts'

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

  /** @returns the payment, whose transfers wait */
  async begin(amountMinor: bigint, more: { direction?: 'collection' | 'payout'; currency?: Currency; reference?: string } = {}): Promise<PaymentId> {
    const { direction = 'collection', currency = 'EUR', reference = 'order-42' } = more
    const acceptance = testAcceptance(this.merchant)
    const id = newId(direction === 'payout' ? 'payout' : 'payment', from)
    const payment = { ...acceptance.payment, id, direction, reference, money: { amountMinor, currency } }
    const event = emit({ ...from, process: 'gateway' }, 'payment.accepted', this.merchant.tenant, { payment: payment.id, status: 'accepted' })
    assert.equal((await acceptPayment(this.#gateway, { ...acceptance, payment, event })).kind, 'accepted')
    return payment.id
  }

  async end(payment: PaymentId, status: 'succeeded' | 'failed'): Promise<void> {
    const { tenant } = this.merchant
    const emitting = { ...from, process: 'dispatcher' } as const
    const attempt = await prepareAttempt(this.#dispatcher, tenant, payment,
      { id: newId('attempt', from), reference: randomUUID(), factsProof: systemRandom.bytes(32), atMs: from.clock.nowMs() })
    await markAttemptSent(this.#dispatcher, tenant, { payment, fence: attempt?.fence ?? 0, atMs: from.clock.nowMs() },
      emit(emitting, 'payment.processing', tenant, { payment, status: 'processing' }), () => null)
    const outcome = status === 'succeeded' ? { status, networkReference: 'net-1' } as const
      : { status, failure: 'payer_refused', networkReason: 'REFUSED' } as const
    const event = status === 'succeeded' ? emit(emitting, 'payment.succeeded', tenant, { payment, status })
      : emit(emitting, 'payment.failed', tenant, { payment, status, failure: 'payer_refused' })
    const record = { payment, fence: attempt?.fence ?? 0, outcome, event, prove: () => null }
    assert.equal(await recordOutcome(this.#dispatcher, from, tenant, record), 'recorded')
  }

  async move(amountMinor: bigint, more: Parameters<Purse['begin']>[1] = {}): Promise<PaymentId> {
    const payment = await this.begin(amountMinor, more)
    await this.end(payment, 'succeeded')
    return payment
  }
}
