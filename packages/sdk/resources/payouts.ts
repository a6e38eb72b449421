import type { Operations } from '../api/operations.ts'
import type { DecidedPayout, Payout, PayoutPage } from '../api/payout-answers.ts'
import type { ApprovePayout, CreatePayout } from '../api/requests.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertAmount, assertId, assertPhone } from '../check-input.ts'
import { pagesOf, type Pages } from '../pages.ts'

/** What takes money out of your balance. It has to be signed: give the client a `signingKey`. */
export class Payouts {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Pays to a phone. Amount and fee are reserved at once; the outcome comes by webhook. Over the operator's limit it waits for {@link Payouts.approve}. */
  async create(payout: CreatePayout, options?: CallOptions): Promise<Payout> {
    assertAmount(payout.amount)
    assertPhone(payout.payee.phone, '/payee/phone')
    return this.#caller.call('createPayout', { body: payout }, options)
  }

  async get(id: string, options?: CallOptions): Promise<DecidedPayout> {
    assertId(id, 'pyt')
    return this.#caller.call('getPayout', { params: { id } }, options)
  }

  /**
   * Approves one that is `awaiting_approval`, by what you saw of it: with another API key and another `signingKey` than those that ordered
   * it. Again is the same.
   */
  async approve(id: string, seen: ApprovePayout, options?: CallOptions): Promise<DecidedPayout> {
    assertId(id, 'pyt')
    assertAmount(seen.amount)
    return this.#caller.call('approvePayout', { params: { id }, body: seen }, options)
  }

  /** Refuses one that is `awaiting_approval`, which fails then. Again is the same. */
  async refuse(id: string, options?: CallOptions): Promise<DecidedPayout> {
    assertId(id, 'pyt')
    return this.#caller.call('refusePayout', { params: { id } }, options)
  }

  /** Takes it back while nothing was sent for it: a ConflictError where something was. Signed; again is the same. */
  async cancel(id: string, options?: CallOptions): Promise<Payout> {
    assertId(id, 'pyt')
    return this.#caller.call('cancelPayout', { params: { id } }, options)
  }

  /** Newest first. */
  list(query: Operations['listPayouts']['query'] = {}, options?: CallOptions): Pages<Payout, PayoutPage> {
    return pagesOf((cursor) => this.#caller.call('listPayouts', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }
}
