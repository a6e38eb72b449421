import { Fault } from '@ngome/kernel'
import { operations, type OperationName } from '../api/operations.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import { ConcurrencyLimit, type Urgency } from './concurrency-limit.ts'
import { LoopPressure } from './loop-pressure.ts'

/** Clients that were sent away come back one after the other, within this. */
const retryAfterSMax = 5

// Made once: a stack and a message of its own for each would cost an overload more than the rest of its refusals. How full it is
// is in the metrics.
const sheddingFaults: Readonly<Record<Urgency, Fault>> = {
  deferrable: new Fault('gateway/overloaded', 'deferrable is shed'),
  ordinary: new Fault('gateway/overloaded', 'ordinary is shed'),
  vital: new Fault('gateway/overloaded', 'vital is shed'),
}

export type SheddingPorts = {
  readonly monotonicMs: () => number
  /** Calls back when this turn of the event loop is over; `setImmediate` where nothing else is said. */
  readonly atTurnEnd?: (end: () => void) => void
  readonly onShed: (urgency: Urgency) => void
}

/** Turns requests away while there are more than we can answer, what can wait first. */
export class Shedding {
  readonly limit: ConcurrencyLimit
  readonly pressure: LoopPressure
  readonly #ports: SheddingPorts
  #turn = 0

  constructor(ports: SheddingPorts) {
    this.#ports = ports
    this.limit = new ConcurrencyLimit(ports.monotonicMs())
    this.pressure = new LoopPressure(ports.atTurnEnd ?? ((end) => void setImmediate(end)))
  }

  /** The guard before the key and the body, which cost us something. @throws Fault `gateway/overloaded` */
  admit(request: GatewayRequest, name: OperationName): void {
    const { urgency } = operations[name]
    if (this.pressure.sheds(urgency, request.startedAtMs) || !this.limit.hasRoom(urgency)) this.#shed(request, urgency)
  }

  /**
   * The guard before the handler, which counts from now on: a body that comes slowly holds no room. Many may have been let
   * in while their bodies were on the way, so that the room is asked for once more.
   * @throws Fault `gateway/overloaded`
   */
  begin(request: GatewayRequest, name: OperationName): void {
    const { urgency } = operations[name]
    if (!this.limit.hasRoom(urgency)) this.#shed(request, urgency)
    request.begunAtMs = this.#ports.monotonicMs()
    this.limit.begin()
  }

  /** The handler of a request is over, however; one that never began is not counted. */
  end(request: GatewayRequest, name: OperationName): void {
    if (request.begunAtMs === undefined) return
    const nowMs = this.#ports.monotonicMs()
    this.limit.end(name, nowMs - request.begunAtMs, nowMs)
    request.begunAtMs = undefined
  }

  #shed(request: GatewayRequest, urgency: Urgency): never {
    this.#ports.onShed(urgency)
    this.#turn = this.#turn % retryAfterSMax + 1
    ;(request.answerHeaders ??= []).push('retry-after', String(this.#turn))
    throw sheddingFaults[urgency]
  }
}
