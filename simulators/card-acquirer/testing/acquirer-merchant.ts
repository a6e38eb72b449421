import { createHash, createHmac } from 'node:crypto'
import type { AcquirerAccount, CardAcquirerSimulator, SimulatorAnswer } from '@ngome/testkit'

export const returnUrl = 'https://shop.example/back'

export type Signed = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly reference: string
  readonly body?: object
  readonly atS?: number
  readonly secret?: string
}

/** What a payment is asked for with. */
export function paymentBody(number: string, changes: object = {}) {
  return {
    reference: crypto.randomUUID() as string, order: 'pay_1', amount_minor: '500', currency: 'EUR', card: { number, expiry_month: 12, expiry_year: 2099 }, description: null,
    return_url: returnUrl, callback_url: null, ...changes,
  }
}

/** A merchant's server that has an account there, and signs its calls. */
export class AcquirerMerchant {
  readonly #simulator: CardAcquirerSimulator
  readonly #account: AcquirerAccount

  constructor(simulator: CardAcquirerSimulator, account: AcquirerAccount) {
    this.#simulator = simulator
    this.#account = account
  }

  get secret(): string {
    return this.#account.secret
  }

  headersOf({ method, path, reference, body, atS = Math.floor(Date.now() / 1_000), secret = this.secret }: Signed): Record<string, string> {
    const digest = createHash('sha256').update(body === undefined ? '' : JSON.stringify(body)).digest('hex')
    const mac = createHmac('sha256', secret).update([atS, method, path, reference, digest].join('\n')).digest('hex')
    return { 'acquirer-account': this.#account.account, 'idempotency-key': reference, 'acquirer-signature': `t=${atS},v1=${mac}` }
  }

  call(signed: Signed): Promise<SimulatorAnswer> {
    const { method, path, body } = signed
    return this.#simulator.call({ method, path, headers: this.headersOf(signed), ...body === undefined ? {} : { body } })
  }

  pay(body: ReturnType<typeof paymentBody>): Promise<SimulatorAnswer> {
    return this.call({ method: 'POST', path: '/v1/payments', reference: body.reference, body })
  }

  refund(payment: string, amountMinor: string, changes: object = {}): Promise<SimulatorAnswer> {
    const body = { reference: crypto.randomUUID() as string, order: 'rfd_1', payment, amount_minor: amountMinor, currency: 'EUR', callback_url: null, ...changes }
    return this.call({ method: 'POST', path: '/v1/refunds', reference: body.reference, body })
  }

  show(reference: string): Promise<SimulatorAnswer> {
    return this.call({ method: 'GET', path: `/v1/payments/${reference}`, reference })
  }
}
