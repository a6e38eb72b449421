import { ConcurrencyLimit, urgencies, type Urgency } from '../overload/concurrency-limit.ts'
import { LoopPressure } from '../overload/loop-pressure.ts'
import { seeded } from './seeded.ts'

/** What a gateway and its database are in the model. */
export type Machine = {
  /** CPU of one request until its handler waits for the database, of its answer, and of a refusal. */
  readonly inMs: number
  readonly outMs: number
  readonly refusedMs: number
  /** Connections of the database, and the mean of the exponential time that each takes for a request. */
  readonly workers: number
  readonly serviceMs: number
}
export type Mixture = Readonly<Record<Urgency, number>>
export type Phase = {
  readonly seconds: number
  readonly mixture: Mixture
  readonly serviceMs?: number
  /** The machine gives the process no time, once, in the middle of the phase. */
  readonly standsStillMs?: number
} & (
  /** Clients who ask whether or not they were answered. */
  | { readonly perSecond: number }
  /** Clients who ask again when they were answered, refusals included. */
  | { readonly clients: number }
)
export type Tally = {
  readonly offered: Record<Urgency, number>
  readonly shed: Record<Urgency, number>
  readonly answered: Record<Urgency, number>
  /** From the arrival in the kernel to the answer. */
  readonly vitalMs: number[]
  seconds: number
}

type Request = { readonly urgency: Urgency; readonly arrivedAtMs: number; begunAtMs: number }
type Reply = { readonly atMs: number; readonly request: Request }

const none = (): Record<Urgency, number> => ({ deferrable: 0, ordinary: 0, vital: 0 })
/** What a client needs from an answer to its next request: the network's way and its own work. */
const thinkMs = 1

/**
 * A gateway as a queue: an event loop whose every turn works off what was there when it began, in front of a database with
 * some connections. What decides is the product's own code, on the model's clock; without it nobody is refused.
 */
export class OverloadModel {
  readonly #machine: Machine
  readonly #random: () => number
  readonly #isDefended: boolean
  readonly #limit = new ConcurrencyLimit(0)
  readonly #pressure: LoopPressure
  readonly #freeAtMs: number[]
  #endTurn: (() => void) | undefined
  #nowMs = 0
  /** In the order of their times. */
  #arrivals: Request[] = []
  #replies: Reply[] = []
  #clients = 0

  constructor(machine: Machine, seed: number, isDefended = true) {
    this.#machine = machine
    this.#random = seeded(seed)
    this.#isDefended = isDefended
    this.#pressure = new LoopPressure((end) => { this.#endTurn = end })
    this.#freeAtMs = Array.from({ length: machine.workers }, () => 0)
  }

  get limit(): number {
    return this.#limit.limit
  }

  run(phase: Phase): Tally {
    const tally: Tally = { offered: none(), shed: none(), answered: none(), vitalMs: [], seconds: phase.seconds }
    const untilMs = this.#nowMs + phase.seconds * 1_000
    let stillAtMs = phase.standsStillMs === undefined ? Infinity : this.#nowMs + phase.seconds * 500
    let nextMs = this.#nowMs
    for (; 'clients' in phase && this.#clients < phase.clients; this.#clients++) this.#arrive(phase, this.#nowMs + this.#random() * 100)
    while (this.#nowMs < untilMs) {
      for (; 'perSecond' in phase && nextMs <= this.#nowMs; nextMs += this.#exponential(1_000 / phase.perSecond)) this.#arrive(phase, nextMs)
      if (this.#nowMs >= stillAtMs) {
        this.#nowMs += phase.standsStillMs ?? 0
        stillAtMs = Infinity
        continue
      }
      if (!this.#turn(phase, tally)) this.#nowMs = Math.min(this.#arrivals[0]?.arrivedAtMs ?? Infinity, this.#replies[0]?.atMs ?? Infinity, 'perSecond' in phase ? nextMs : Infinity, stillAtMs)
    }
    // The clients of the next phase are others; what these have under way still comes to its end.
    if (!('clients' in phase)) this.#clients = 0
    return tally
  }

  /** One turn of the event loop. @returns whether there was anything to do */
  #turn(phase: Phase, tally: Tally): boolean {
    const requests = takeUntil(this.#arrivals, (one) => one.arrivedAtMs <= this.#nowMs)
    const replies = takeUntil(this.#replies, (one) => one.atMs <= this.#nowMs)
    // Sockets are read in the order in which they became readable, whoever is at their other end.
    for (let request = requests.shift(), reply = replies.shift(); request !== undefined || reply !== undefined;) {
      if (reply === undefined || (request !== undefined && request.arrivedAtMs <= reply.atMs)) {
        if (request !== undefined) this.#receive(request, phase, tally)
        request = requests.shift()
      } else {
        this.#answer(reply, phase, tally)
        reply = replies.shift()
      }
      if (requests.length === 0 && replies.length === 0 && request === undefined && reply === undefined) {
        this.#endTurn?.()
        this.#endTurn = undefined
        return true
      }
    }
    return false
  }

  #receive(request: Request, phase: Phase, tally: Tally): void {
    const { urgency } = request
    tally.offered[urgency]++
    if (this.#isDefended && (this.#pressure.sheds(urgency, this.#nowMs) || !this.#limit.hasRoom(urgency))) {
      tally.shed[urgency]++
      this.#nowMs += this.#machine.refusedMs
      this.#comeAgain(phase)
      return
    }
    this.#nowMs += this.#machine.inMs
    this.#limit.begin()
    request.begunAtMs = this.#nowMs
    const worker = this.#freeAtMs.indexOf(Math.min(...this.#freeAtMs))
    const atMs = Math.max(this.#nowMs, this.#freeAtMs[worker] ?? 0) + this.#exponential(phase.serviceMs ?? this.#machine.serviceMs)
    this.#freeAtMs[worker] = atMs
    insert(this.#replies, { atMs, request }, (one) => one.atMs)
  }

  #answer({ request }: Reply, phase: Phase, tally: Tally): void {
    const { urgency, begunAtMs, arrivedAtMs } = request
    this.#nowMs += this.#machine.outMs
    this.#limit.end(urgency, this.#nowMs - begunAtMs, this.#nowMs)
    tally.answered[urgency]++
    if (urgency === 'vital') tally.vitalMs.push(this.#nowMs - arrivedAtMs)
    this.#comeAgain(phase)
  }

  #comeAgain(phase: Phase): void {
    if ('clients' in phase) this.#arrive(phase, this.#nowMs + thinkMs)
  }

  #arrive({ mixture }: Phase, arrivedAtMs: number): void {
    let part = this.#random() * urgencies.reduce((sum, urgency) => sum + mixture[urgency], 0)
    const urgency = urgencies.find((each) => (part -= mixture[each]) < 0) ?? 'vital'
    insert(this.#arrivals, { urgency, arrivedAtMs, begunAtMs: 0 }, (one) => one.arrivedAtMs)
  }

  #exponential(meanMs: number): number {
    return -Math.log(1 - this.#random()) * meanMs
  }
}

function insert<T>(into: T[], one: T, timeOf: (one: T) => number): void {
  into.splice(into.findLastIndex((each) => timeOf(each) <= timeOf(one)) + 1, 0, one)
}

function takeUntil<T>(from: T[], isDue: (one: T) => boolean): T[] {
  const end = from.findIndex((one) => !isDue(one))
  return from.splice(0, end < 0 ? from.length : end)
}
