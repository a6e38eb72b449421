import type { KeyObject } from 'node:crypto'
import { openRecordsMax, type CustodianRequest, type InnerOpening, type Purpose } from '@ngome/contracts'
import { Fault, toBase64Url, type Random } from '@ngome/kernel'
import { CustodianRefusal, verifyRefusal, type CustodianClient } from '@ngome/runtime'

/** A record whose key is wanted; its parts as an `open` call has them, base64url. */
export type WantedKey = {
  readonly purpose: Purpose; readonly dataKey: string; readonly context: string; readonly salt: string
  /** What a client sealed within the record, where its key is wanted too. */
  readonly inner?: InnerOpening
}

/** The record's key and commitment, base64url, with that of what a client sealed where it was wanted; or why the custodian opens nothing, in its own signed word. */
export type GivenKey =
  | { readonly kind: 'given'; readonly key: string; readonly innerKey?: string }
  | { readonly kind: 'refused'; readonly reason: string }

type Waiting = {
  readonly wanted: WantedKey
  /** It was in a call that was refused: now it is asked for by itself, so that nobody hears another's refusal. */
  readonly isAlone: boolean
  readonly resolve: (given: GivenKey) => void
  readonly reject: (failure: unknown) => void
}

/** One on its way and one behind it keep the custodian busy; what comes meanwhile goes together with the next. */
const callsAtOnceMax = 2
const challengeBytes = 16
const unsigned = 'unsigned'

/**
 * Asks the custodian for the keys of single records. Those of one purpose that are wanted at the same time go in one call,
 * and share its commit: that is most of what an opening costs. It opens all of a call or none: where it refuses one of several,
 * each is asked for again by itself.
 */
export class SharedOpenings {
  readonly #custodian: Pick<CustodianClient, 'call'>
  readonly #statementKey: KeyObject
  readonly #random: Random
  readonly #queues = new Map<Purpose, { waiting: Waiting[]; calls: number }>()

  /** @param statementKey the custodian's own, which its refusals are signed with */
  constructor(custodian: Pick<CustodianClient, 'call'>, statementKey: KeyObject, random: Random) {
    this.#custodian = custodian
    this.#statementKey = statementKey
    this.#random = random
  }

  /** @throws Fault `custodian/unavailable` where the custodian is away, or answers what was not asked */
  open(wanted: WantedKey): Promise<GivenKey> {
    const { promise, resolve, reject } = Promise.withResolvers<GivenKey>()
    this.#enqueue({ wanted, isAlone: false, resolve, reject })
    return promise
  }

  #enqueue(one: Waiting): void {
    const { purpose } = one.wanted
    const queue = this.#queues.get(purpose) ?? { waiting: [], calls: 0 }
    this.#queues.set(purpose, queue)
    queue.waiting.push(one)
    // Whoever else of this turn wants one goes along.
    if (queue.waiting.length === 1) setImmediate(() => this.#send(purpose))
  }

  #send(purpose: Purpose): void {
    const queue = this.#queues.get(purpose)
    if (queue === undefined || queue.waiting.length === 0 || queue.calls >= callsAtOnceMax) return
    const together = takeTogether(queue.waiting)
    queue.calls++
    void this.#ask(purpose, together).finally(() => {
      queue.calls--
      this.#send(purpose)
    })
    this.#send(purpose)
  }

  async #ask(purpose: Purpose, together: readonly Waiting[]): Promise<void> {
    const challenge = toBase64Url(this.#random.bytes(challengeBytes))
    try {
      const { keys, innerKeys = [] } = await this.#custodian.call('/v1/open', requestFor(purpose, together), { challenge })
      const withInner = together.filter(({ wanted }) => wanted.inner !== undefined)
      if (keys.length !== together.length || innerKeys.length !== withInner.length) {
        throw new Fault('custodian/unavailable', 'the custodian answered other keys than asked')
      }
      for (const [at, one] of together.entries()) {
        const innerKey = innerKeys[withInner.indexOf(one)]
        one.resolve({ kind: 'given', key: keys[at] ?? '', ...(innerKey === undefined ? {} : { innerKey }) })
      }
    } catch (failure) {
      const [first, ...others] = together
      if (!(failure instanceof CustodianRefusal)) for (const { reject } of together) reject(failure)
      else if (others.length === 0) first?.resolve({ kind: 'refused', reason: this.#reasonOf(failure, challenge) })
      else for (const one of together) this.#enqueue({ ...one, isAlone: true })
    }
  }

  /** Only what the custodian signed for this very call is believed; anybody on the way can say 4xx. */
  #reasonOf(refusal: CustodianRefusal, challenge: string): string {
    const said = refusal.refusal === undefined ? undefined : verifyRefusal(this.#statementKey, refusal.refusal, challenge)
    return said?.operation === '/v1/open' ? said.reason : unsigned
  }
}

/** Takes from the front what one call may carry, in the order in which it came. */
function takeTogether(waiting: Waiting[]): readonly Waiting[] {
  if (waiting[0]?.isAlone === true) return waiting.splice(0, 1)
  const end = waiting.findIndex(({ isAlone }, at) => isAlone || at >= openRecordsMax)
  return waiting.splice(0, end === -1 ? waiting.length : end)
}

function requestFor(purpose: Purpose, together: readonly Waiting[]): CustodianRequest<'/v1/open'> {
  const dataKeys = [...new Set(together.map(({ wanted }) => wanted.dataKey))]
  const places = new Map(dataKeys.map((dataKey, at) => [dataKey, at]))
  return {
    purpose, dataKeys,
    records: together.map(({ wanted: { dataKey, context, salt, inner } }) => ({
      dataKey: places.get(dataKey) ?? 0, context, salt, ...(inner === undefined ? {} : { inner }),
    })),
  }
}
