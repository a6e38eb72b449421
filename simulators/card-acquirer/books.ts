import { z } from 'zod'
import type { Journal } from '../common/journal.ts'

const stepSchema = z.strictObject({ atMs: z.int(), status: z.enum(['succeeded', 'failed']), code: z.string() })
/** `secret` in clear: whoever checks a MAC needs it. */
const accountSchema = z.strictObject({ kind: z.literal('account'), id: z.string(), secret: z.string() })
const orderSchema = z.strictObject({
  kind: z.literal('order'),
  operation: z.enum(['payment', 'refund']),
  account: z.string(),
  reference: z.string(),
  /** The id that the caller has for it. */
  order: z.string(),
  /** Of the call that was taken: another one under the same reference is another order. */
  digest: z.string(),
  amountMinor: z.string(),
  currency: z.string(),
  card: z.string(),
  /** The payment that a refund gives back. */
  original: z.string().nullable(),
  id: z.string(),
  callbackUrl: z.string().nullable(),
  takenAtMs: z.int(),
  challenge: z.strictObject({ session: z.string(), returnUrl: z.string(), expiresAtMs: z.int() }).nullable(),
  /** When it is decided, counted from the taking, or from the end of the challenge. */
  afterMs: z.int(),
  status: z.enum(['succeeded', 'failed']),
  code: z.string(),
})
const answerSchema = z.strictObject({ kind: z.literal('answer'), session: z.string(), isPassed: z.boolean(), atMs: z.int() })
/** Its holder's bank took the money back. */
const disputeSchema = z.strictObject({ kind: z.literal('dispute'), id: z.string(), atMs: z.int() })
const entrySchema = z.discriminatedUnion('kind', [accountSchema, orderSchema, answerSchema, disputeSchema])

export type Account = Omit<z.output<typeof accountSchema>, 'kind'>
export type Order = Omit<z.output<typeof orderSchema>, 'kind'>
export type Step = z.output<typeof stepSchema>
export type Answer = Pick<z.output<typeof answerSchema>, 'isPassed' | 'atMs'>
export type State = { readonly status: 'processing' | 'requires_action' | 'succeeded' | 'failed' | 'reversed'; readonly code: string | null }

/** Why nothing is given back; nothing was taken. */
export type RefundRefusal = 'not_refundable' | 'refund_exceeds'

type Held = { readonly order: Order; readonly durable: Promise<void> }

/**
 * The acquirer's side of the truth. What becomes of an order is fixed when it is taken, or when its challenge is answered, and only
 * becomes visible with time, so that a restart cannot change it.
 */
export class Books {
  readonly #journal: Journal
  readonly #accounts = new Map<string, Account>()
  readonly #orders = new Map<string, Held>()
  readonly #bySession = new Map<string, Order>()
  readonly #answers = new Map<string, Answer>()
  /** When what was paid was taken back, by the acquirer's id of it. */
  readonly #disputes = new Map<string, number>()

  constructor(journal: Journal, entries: readonly unknown[]) {
    this.#journal = journal
    for (const entry of entries) this.#replay(entrySchema.parse(entry))
  }

  account(id: string): Account | undefined {
    return this.#accounts.get(id)
  }

  async addAccount(account: Account): Promise<void> {
    this.#accounts.set(account.id, account)
    await this.#journal.append({ kind: 'account', ...account })
  }

  /**
   * Resolves once it is on the disk; a reference that is here already answers what is here, also only then. A refund is held against its
   * payment here, in the same step that holds it, so that two at once do not give back more than came.
   */
  async take(order: Order): Promise<Order | RefundRefusal> {
    const held = this.#orders.get(nameOf(order))
    if (held !== undefined) {
      await held.durable
      return held.order
    }
    const refusal = this.#refusalOf(order)
    if (refusal !== undefined) return refusal
    const durable = this.#journal.append({ kind: 'order', ...order })
    this.#hold(order, durable)
    await durable
    return order
  }

  async find(key: Pick<Order, 'account' | 'operation' | 'reference'>): Promise<Order | undefined> {
    const held = this.#orders.get(nameOf(key))
    await held?.durable
    return held?.order
  }

  ofSession(session: string): Order | undefined {
    return this.#bySession.get(session)
  }

  /** Ends a challenge; only once, and only in time. */
  async answer(session: string, answer: Answer): Promise<'answered' | 'over'> {
    const { challenge } = this.#bySession.get(session) ?? { challenge: null }
    if (challenge === null || this.#answers.has(session) || answer.atMs >= challenge.expiresAtMs) return 'over'
    this.#answers.set(session, answer)
    await this.#journal.append({ kind: 'answer', session, ...answer })
    return 'answered'
  }

  /** Takes back what a payment brought, from then on; only once, and only what came. */
  async dispute(order: Order, atMs: number): Promise<'disputed' | 'not_now'> {
    if (order.operation !== 'payment' || this.stateOf(order, atMs).status !== 'succeeded') return 'not_now'
    this.#disputes.set(order.id, atMs)
    await this.#journal.append({ kind: 'dispute', id: order.id, atMs })
    return 'disputed'
  }

  /** The end of an order and when it comes; `undefined` while its holder is asked. */
  endOf({ challenge, takenAtMs, afterMs, status, code }: Order): Step | undefined {
    if (challenge === null) return { atMs: takenAtMs + afterMs, status, code }
    const answer = this.#answers.get(challenge.session)
    if (answer === undefined) return undefined
    return answer.isPassed ? { atMs: answer.atMs + afterMs, status, code } : { atMs: answer.atMs, status: 'failed', code: 'authentication_failed' }
  }

  /** What shows at this time. */
  stateOf(order: Order, nowMs: number): State {
    const end = this.endOf(order)
    if ((this.#disputes.get(order.id) ?? Infinity) <= nowMs) return { status: 'reversed', code: 'chargeback' }
    if (end !== undefined) return end.atMs <= nowMs ? end : { status: 'processing', code: null }
    const isExpired = order.challenge !== null && order.challenge.expiresAtMs <= nowMs
    return isExpired ? { status: 'failed', code: 'authentication_expired' } : { status: 'requires_action', code: null }
  }

  orders(): readonly Order[] {
    return [...this.#orders.values()].map(({ order }) => order)
  }

  #refusalOf({ operation, account, original, takenAtMs, currency, amountMinor }: Order): RefundRefusal | undefined {
    if (operation !== 'refund' || original === null) return undefined
    const payment = this.#orders.get(nameOf({ account, operation: 'payment', reference: original }))?.order
    if (payment === undefined || this.stateOf(payment, takenAtMs).status !== 'succeeded') return 'not_refundable'
    const left = BigInt(payment.amountMinor) - this.#refunded(payment, takenAtMs)
    return payment.currency !== currency || BigInt(amountMinor) > left ? 'refund_exceeds' : undefined
  }

  /** What refunds of a payment have given back or will. */
  #refunded(payment: Order, nowMs: number): bigint {
    const refunds = this.orders().filter(({ operation, account, original }) => (
      operation === 'refund' && account === payment.account && original === payment.reference))
    return refunds.filter((order) => this.stateOf(order, nowMs).status !== 'failed')
      .reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n)
  }

  #hold(order: Order, durable: Promise<void>): void {
    this.#orders.set(nameOf(order), { order, durable })
    if (order.challenge !== null) this.#bySession.set(order.challenge.session, order)
  }

  #replay(entry: z.output<typeof entrySchema>): void {
    switch (entry.kind) {
      case 'account': this.#accounts.set(entry.id, entry); return
      case 'order': {
        const { kind: _, ...order } = entry
        this.#hold(order, Promise.resolve())
        return
      }
      case 'answer': this.#answers.set(entry.session, entry); return
      case 'dispute': this.#disputes.set(entry.id, entry.atMs); return
      default: entry satisfies never
    }
  }
}

function nameOf({ account, operation, reference }: Pick<Order, 'account' | 'operation' | 'reference'>): string {
  return `${account} ${operation} ${reference}`
}
