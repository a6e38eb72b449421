import type { Books, FinalPayment } from './books.ts'
import type { BookEntry, ModelNetwork } from './model-network.ts'

/** A report comes long after a callback would have. */
const reportAfterMs = 30 * 60_000
/** Then a person would call the network. */
const asksMax = 20

type Ports = { readonly books: Books; readonly recheck: (payment: FinalPayment) => Promise<void> }

/** Who reads the networks' reports, and has the dispatcher ask about what they took back and our books do not say. */
export class ModelOperator {
  readonly #from: Ports
  readonly #networks: readonly ModelNetwork[]
  /** Since when each payment stands otherwise than its network's books, and how often it was asked about. */
  readonly #differing = new Map<string, { readonly sinceMs: number; asks: number }>()

  constructor(from: Ports, networks: readonly ModelNetwork[]) {
    this.#from = from
    this.#networks = networks
  }

  networkBook(): ReadonlyMap<string, BookEntry> {
    return new Map(this.#networks.flatMap(({ book }) => [...book]))
  }

  /** @returns whether anything is to be learned yet, or to be repaid of what was */
  async look(nowMs: number): Promise<boolean> {
    const { books, recheck } = this.#from
    const unknown = unlearned(await books.payments(), this.networkBook())
    for (const payment of unknown) {
      const differing = this.#differing.get(payment.id)
      if (differing === undefined) this.#differing.set(payment.id, { sinceMs: nowMs, asks: 0 })
      else if (nowMs - differing.sinceMs >= reportAfterMs && differing.asks++ < asksMax) await recheck(payment)
    }
    return unknown.length > 0 || this.#networks.some(({ doubts }) => doubts > 0) || (await books.unrepaid()).length > 0
  }
}

/** What networks took back and our books do not say, but for what nobody can ask: a refund of it that is in doubt would explain the answer. */
export function unlearned(payments: readonly FinalPayment[], network: ReadonlyMap<string, BookEntry>): readonly FinalPayment[] {
  const doubtful = new Set(payments.filter(({ direction, isStuck, status }) => direction === 'refund' && isStuck && status === 'in_doubt').map(({ original }) => original))
  return payments.filter(({ id, status, reference }) =>
    status === 'succeeded' && reference !== null && network.get(reference)?.state === 'reversed' && !doubtful.has(id))
}
