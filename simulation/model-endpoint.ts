import { objectEventSchema, type ObjectEventView } from '@ngome/contracts'
import type { Secret } from '@ngome/kernel'
import { verifyWebhook } from '@ngome/signatures'
import type { EgressGuard } from '../services/dispatcher/egress/egress-guard.ts'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import type { Life, Scheduler } from './scheduler.ts'

const roundTripMsMax = 300
/** An outage is longer than a delivery is tried in a run, so that some are given up. */
const outageEveryMsMax = 4 * 3_600_000
const outageMsMax = 2 * 3_600_000

type Transmission = Awaited<ReturnType<EgressGuard['toWebhook']>>

/** A merchant's endpoint for webhooks: loses them, is away, says no, and says so late after it has taken one. */
export class ModelEndpoint {
  /** What it took, in the order in which it came. */
  readonly inbox: ObjectEventView[] = []
  /** What came that nobody had signed. */
  unsigned = 0
  readonly #from: { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults }
  readonly #secret: Secret<Uint8Array>
  readonly #world: Life = { isOver: false }
  #isAway = false
  #isThere = false

  constructor(from: { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults }, secret: Secret<Uint8Array>) {
    this.#from = from
    this.#secret = secret
    if (from.faults.endpoint.away) this.#planOutage()
  }

  /** Is away no more, for the rest of the run or not. */
  stay(isThere: boolean): void {
    this.#isThere = isThere
  }

  async receive({ headers, body, timeoutMs }: Parameters<EgressGuard['toWebhook']>[1], life: Life): Promise<Transmission> {
    const { scheduler, chance, faults: { endpoint } } = this.#from
    await scheduler.pause(chance.between(1, roundTripMsMax), life)
    if (this.#isAway && !this.#isThere) return { kind: 'unreached', reason: 'ECONNREFUSED' }
    if (chance.happens(endpoint.lost)) {
      await scheduler.pause(timeoutMs, life)
      return { kind: 'lost', reason: 'no whole answer in time' }
    }
    if (chance.happens(endpoint.refused)) return answered(503, chance.happens(0.5) ? '20' : undefined)
    this.#take(headers, body)
    if (chance.happens(endpoint.late)) {
      await scheduler.pause(timeoutMs, life)
      return { kind: 'lost', reason: 'no whole answer in time' }
    }
    if (chance.happens(endpoint.refusedButTaken)) return answered(500, undefined)
    await scheduler.pause(chance.between(1, roundTripMsMax), life)
    return answered(204, undefined)
  }

  /** Takes any time that a webhook states: the clocks of dispatchers jump here by hours. */
  #take(headers: Readonly<Record<string, string>>, body: Uint8Array): void {
    const statedMs = Number(headers['webhook-timestamp']) * 1_000
    if (verifyWebhook([this.#secret], headers, body, { nowMs: () => statedMs }) === undefined) this.unsigned++
    else this.inbox.push(objectEventSchema.parse(JSON.parse(Buffer.from(body).toString('utf8'))))
  }

  #planOutage(): void {
    const { scheduler, chance } = this.#from
    scheduler.after(chance.between(0, outageEveryMsMax), this.#world, () => {
      this.#isAway = true
      scheduler.after(chance.between(0, outageMsMax), this.#world, () => {
        this.#isAway = false
        this.#planOutage()
      })
    })
  }
}

function answered(status: number, retryAfter: string | undefined): Transmission {
  return { kind: 'answered', status, body: new Uint8Array(), retryAfter, headers: {} }
}
