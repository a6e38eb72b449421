import type { CheckoutSession, CreatedCheckoutSession } from '../api/checkout-answers.ts'
import type { CreateCheckoutSession } from '../api/requests.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertAmount, assertId } from '../check-input.ts'

/** Payment links: a page where a payer picks the network, enters the phone number and approves. */
export class CheckoutSessions {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Its link is in this answer, once; `null` where a retry got the answer again: then make another session. */
  async create(session: CreateCheckoutSession, options?: CallOptions): Promise<CreatedCheckoutSession> {
    assertAmount(session.amount)
    return this.#caller.call('createCheckoutSession', { body: session }, options)
  }

  async get(id: string, options?: CallOptions): Promise<CheckoutSession> {
    assertId(id, 'cos')
    return this.#caller.call('getCheckoutSession', { params: { id } }, options)
  }

  /** Its link asks nobody any more. One that was paid, or is being paid, stays as it is: a ConflictError. */
  async cancel(id: string, options?: CallOptions): Promise<CheckoutSession> {
    assertId(id, 'cos')
    return this.#caller.call('cancelCheckoutSession', { params: { id } }, options)
  }
}
