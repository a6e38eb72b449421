import { emit } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { appendEvent, inPlatform, type Database } from '@ngome/store'
import type { Urgency } from './concurrency-limit.ts'

/** An overload is news once; how it goes on is in the metrics. */
const tellPeriodMs = 60_000

type Ports = {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly monotonicMs: () => number
  readonly limit: () => number
}

/** Counts what was shed, and tells of it at most once a minute. */
export class OverloadTeller {
  readonly total: Record<Urgency, number> = { deferrable: 0, ordinary: 0, vital: 0 }
  #untold: Record<Urgency, number> = { deferrable: 0, ordinary: 0, vital: 0 }
  #toldAtMs = -Infinity
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  count(urgency: Urgency): void {
    this.total[urgency]++
    this.#untold[urgency]++
  }

  /** Tells where there is something to tell and the last time is long enough ago. */
  tell(): void {
    const { database, logger, monotonicMs, limit } = this.#ports
    const shed = this.#untold
    if (shed.deferrable + shed.ordinary + shed.vital === 0 || monotonicMs() - this.#toldAtMs < tellPeriodMs) return
    this.#toldAtMs = monotonicMs()
    this.#untold = { deferrable: 0, ordinary: 0, vital: 0 }
    const data = { ...shed, concurrency_limit: Math.floor(limit()) }
    logger.warn(data, 'requests were shed')
    const event = emit({ ...this.#ports, process: 'gateway' }, 'gateway.overloaded', null, data)
    inPlatform(database, (tx) => appendEvent(tx, event))
      .catch((err: unknown) => logger.error({ err }, 'the event of an overload could not be kept'))
  }
}
