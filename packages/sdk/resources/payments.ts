import type { Payment, PaymentPage } from '../api/answers.ts'
import type { Operations } from '../api/operations.ts'
import type { CreatePayment } from '../api/requests.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertAmount, assertId, assertPhone } from '../check-input.ts'
import { pagesOf, type Pages } from '../pages.ts'

export class Payments {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Asks the payer, on their phone or by their card, to pay. The outcome comes by webhook. */
  async create(payment: CreatePayment, options?: CallOptions): Promise<Payment> {
    assertAmount(payment.amount)
    if (payment.payer.card === undefined) assertPhone(payment.payer.phone, '/payer/phone')
    else assertId(payment.payer.card, 'vtk')
    return this.#caller.call('createPayment', { body: payment }, options)
  }

  async get(id: string, options?: CallOptions): Promise<Payment> {
    assertId(id, 'pay')
    return this.#caller.call('getPayment', { params: { id } }, options)
  }

  /** Takes it back while nothing was sent for it: a ConflictError where something was. Again is the same. */
  async cancel(id: string, options?: CallOptions): Promise<Payment> {
    assertId(id, 'pay')
    return this.#caller.call('cancelPayment', { params: { id } }, options)
  }

  /** Newest first. */
  list(query: Operations['listPayments']['query'] = {}, options?: CallOptions): Pages<Payment, PaymentPage> {
    return pagesOf((cursor) => this.#caller.call('listPayments', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }
}
