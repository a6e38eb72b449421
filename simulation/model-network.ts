import type { Money, PaymentId } from '@ngome/kernel'
import type { EnquiryOutcome, PaymentNetwork, PaymentRequest } from '../services/dispatcher/connectors/payment-network.ts'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import type { Life, Scheduler } from './scheduler.ts'

/**
 * What a network has of a reference. `moves`: how often money moved for it, which is never more than once where it is honest; `returns`: how
 * often it took that back.
 */
export type BookEntry = {
  readonly reference: string
  readonly payment: PaymentId
  readonly direction: PaymentRequest['direction']
  readonly money: Money
  readonly callbackUrl: string
  readonly cameAtMs: number
  /** The collection that a refund gives back, by its reference. */
  readonly original: string | null
  state: 'pending' | 'succeeded' | 'failed' | 'reversed'
  moves: number
  returns: number
}

/** How a network is, for good. `showsRefundsAsReversals`: as `PaymentNetwork` has it; it takes back no refund, and nothing that it gave back. */
export type NetworkNature = { readonly isIdempotent: boolean; readonly showsRefundsAsReversals: boolean }

const roundTripMsMax = 400
const timeoutMs = 10_000
/** What came later than this never comes: the network's own word, which the operator configures as its settling time. */
export const lateMsMax = 25_000
const lagMs = 2_000
/** A payer takes this long to approve, or says no, or nothing. */
const approvalMsMax = 90_000
const callbackLateMsMax = 900_000
const callbackTriesMax = 4
/** Soon, while its merchant pays out what came, or later. */
const takenBackSoonMsMax = 60_000
const takenBackLateMsMax = 45 * 60_000

/**
 * A network whose books are the truth about money: they say what moved, whatever its answers said. Honest about what it took, and bad at
 * everything else.
 */
export class ModelNetwork {
  readonly book = new Map<string, BookEntry>()
  readonly #from: { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults }
  /** By what they give back. */
  readonly #refunds = new Map<string, BookEntry[]>()
  readonly #nature: NetworkNature
  readonly #callBack: (url: string, body: Uint8Array) => Promise<boolean>
  readonly #world: Life = { isOver: false }
  /** What it is about to take back. */
  doubts = 0

  constructor(
    from: { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults }, nature: NetworkNature,
    callBack: (url: string, body: Uint8Array) => Promise<boolean>,
  ) {
    this.#from = from
    this.#nature = nature
    this.#callBack = callBack
  }

  /** The network as a dispatcher reaches it in its present life. */
  connectorFor(machine: { readonly life: Life }): PaymentNetwork {
    const { life } = machine
    return {
      directions: ['collection', 'payout', 'refund'],
      isIdempotent: this.#nature.isIdempotent,
      ...this.#nature.showsRefundsAsReversals ? { showsRefundsAsReversals: true } : {},
      prepare: async () => {
        await this.#wait(life)
        return this.#from.chance.happens(this.#from.faults.network.away) ? 'unavailable' : 'ready'
      },
      request: async (request) => this.#request(request, life),
      enquire: async ({ reference, money }) => this.#enquire(reference, money, life),
      readCallback: (body) => {
        const word = Buffer.from(body).toString('utf8')
        return word === 'succeeded' || word === 'failed' ? word : undefined
      },
    }
  }

  async #request(request: PaymentRequest, life: Life): Promise<Awaited<ReturnType<PaymentNetwork['request']>>> {
    const { scheduler, chance, faults: { network } } = this.#from
    await this.#wait(life)
    if (chance.happens(network.away)) return { kind: 'not_sent', reason: 'no connection' }
    if (!await request.beforeFirstByte()) return { kind: 'not_sent', reason: 'held back' }
    if (chance.happens(network.lost)) {
      await scheduler.pause(timeoutMs, life)
      return { kind: 'unknown', reason: 'timed out' }
    }
    if (chance.happens(network.refused)) {
      await this.#wait(life)
      return { kind: 'refused', failure: 'network_refused', reason: 'REFUSED' }
    }
    const isLate = chance.happens(network.late)
    scheduler.after(isLate ? chance.between(0, lateMsMax) : 0, this.#world, () => this.#take(request))
    if (chance.happens(network.refusedButTaken)) return { kind: 'refused', failure: 'network_refused', reason: 'DUPLICATE' }
    if (isLate || chance.happens(network.answerLost)) {
      await scheduler.pause(timeoutMs, life)
      return { kind: 'unknown', reason: 'timed out' }
    }
    await this.#wait(life)
    return { kind: 'taken' }
  }

  #take({ reference, payment, direction, money, callbackUrl, original }: PaymentRequest): void {
    const { scheduler, chance } = this.#from
    const known = this.book.get(reference)
    if (known !== undefined) {
      // Another network would take it as another order: whoever sends to it twice pays twice.
      if (!this.#nature.isIdempotent) known.moves++
      return
    }
    const entry: BookEntry = {
      reference, payment, direction, money, callbackUrl, cameAtMs: scheduler.nowMs, original: original?.reference ?? null, state: 'pending', moves: 0, returns: 0,
    }
    this.book.set(reference, entry)
    if (entry.original !== null) this.#refunds.set(entry.original, [...this.#refunds.get(entry.original) ?? [], entry])
    scheduler.after(chance.between(500, approvalMsMax), this.#world, () => this.#end(entry))
  }

  #end(entry: BookEntry): void {
    const { chance, faults: { network } } = this.#from
    entry.state = chance.happens(0.8) && !this.#isOfTakenBack(entry) ? 'succeeded' : 'failed'
    if (entry.state === 'succeeded') {
      entry.moves++
      this.#reconsider(entry)
      const turnedBack = this.#nature.showsRefundsAsReversals && entry.original !== null ? this.book.get(entry.original) : undefined
      if (turnedBack !== undefined) this.#announce(turnedBack, 'reversed')
    }
    this.#announce(entry)
    if (chance.happens(network.forged)) this.#tell(entry, chance.pick(['succeeded', 'failed', '{"status":']))
  }

  /** Takes it back after all, in some time. */
  #reconsider(entry: BookEntry): void {
    const { scheduler, chance, faults: { network } } = this.#from
    if (!chance.happens(network.takenBack)) return
    this.doubts++
    scheduler.after(chance.between(1_000, chance.happens(0.6) ? takenBackSoonMsMax : takenBackLateMsMax), this.#world, () => {
      this.doubts--
      if (this.#nature.showsRefundsAsReversals && (entry.direction === 'refund' || this.#refundsOf(entry).some(({ state }) => state !== 'failed'))) return
      entry.state = 'reversed'
      entry.returns++
      this.#announce(entry)
    })
  }

  #announce(entry: BookEntry, word: string = entry.state): void {
    const { chance, faults: { network } } = this.#from
    if (chance.happens(network.callbackLost)) return
    this.#tell(entry, word)
    if (chance.happens(network.callbackTwice)) this.#tell(entry, word)
  }

  /** Where a refund turns the collection back, there is nothing left of one that was. */
  #isOfTakenBack({ original }: BookEntry): boolean {
    return this.#nature.showsRefundsAsReversals && original !== null && this.book.get(original)?.state === 'reversed'
  }

  #refundsOf(entry: BookEntry): readonly BookEntry[] {
    return this.#refunds.get(entry.reference) ?? []
  }

  /** Tells of an end, now or late, and again where nobody took it. */
  #tell({ callbackUrl }: BookEntry, word: string): void {
    const { scheduler, chance, faults: { network } } = this.#from
    const afterMs = chance.happens(network.callbackLate) ? chance.between(0, callbackLateMsMax) : chance.between(10, 2_000)
    scheduler.start(afterMs, this.#world, async () => {
      for (let tries = 1; tries <= callbackTriesMax; tries++) {
        if (await this.#callBack(callbackUrl, Buffer.from(word, 'utf8'))) return
        await scheduler.pause(chance.between(1_000, 60_000), this.#world)
      }
    })
  }

  async #enquire(reference: string, money: Money, life: Life): Promise<EnquiryOutcome> {
    const { scheduler, chance, faults: { network } } = this.#from
    await this.#wait(life)
    const entry = this.book.get(reference)
    const seen = entry === undefined ? undefined : { ...entry, isReversed: this.#isReversed(entry) }
    const isLagging = seen !== undefined && scheduler.nowMs - seen.cameAtMs < lagMs && chance.happens(network.lagging)
    await this.#wait(life)
    if (chance.happens(network.enquiryLost)) return { kind: 'unknown', reason: 'HTTP 503' }
    if (seen === undefined || isLagging) return { kind: 'not_found' }
    if (seen.money.amountMinor !== money.amountMinor || seen.money.currency !== money.currency) return { kind: 'differs', fields: ['amount'] }
    if (seen.state === 'pending') return chance.happens(network.ambiguous) ? { kind: 'ambiguous', reason: 'UNKNOWN' } : { kind: 'pending' }
    if (seen.state === 'failed') return { kind: 'failed', failure: 'payer_refused', reason: 'REJECTED' }
    return seen.isReversed ? { kind: 'reversed', reason: 'TURNED_BACK' } : { kind: 'succeeded', networkReference: `n-${reference.slice(0, 8)}` }
  }

  #isReversed(entry: BookEntry): boolean {
    return entry.state === 'reversed' || (this.#nature.showsRefundsAsReversals && this.#refundsOf(entry).some(({ state }) => state === 'succeeded'))
  }

  #wait(life: Life): Promise<void> {
    return this.#from.scheduler.pause(this.#from.chance.between(1, roundTripMsMax), life)
  }
}
