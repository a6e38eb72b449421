import type { Operations } from '../api/operations.ts'
import type { Refund, RefundPage } from '../api/payout-answers.ts'
import type { CreateRefund } from '../api/requests.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertAmount, assertId } from '../check-input.ts'
import { pagesOf, type Pages } from '../pages.ts'

/** What gives a payer's money back. It has to be signed: give the client a `signingKey`. */
export class Refunds {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Gives back a payment, or a part of it. Amount and fee are reserved at once; the outcome comes by webhook. */
  async create(payment: string, refund: CreateRefund, options?: CallOptions): Promise<Refund> {
    assertId(payment, 'pay')
    assertAmount(refund.amount)
    return this.#caller.call('createRefund', { params: { id: payment }, body: refund }, options)
  }

  async get(id: string, options?: CallOptions): Promise<Refund> {
    assertId(id, 'rfd')
    return this.#caller.call('getRefund', { params: { id } }, options)
  }

  /** Takes it back while nothing was sent for it: a ConflictError where something was. Signed; again is the same. */
  async cancel(id: string, options?: CallOptions): Promise<Refund> {
    assertId(id, 'rfd')
    return this.#caller.call('cancelRefund', { params: { id } }, options)
  }

  /** Newest first. */
  list(query: Operations['listRefunds']['query'] = {}, options?: CallOptions): Pages<Refund, RefundPage> {
    return pagesOf((cursor) => this.#caller.call('listRefunds', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }
}
