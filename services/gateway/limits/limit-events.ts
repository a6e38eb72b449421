import { emit } from '@ngome/contracts'
import type { ApiKeyId, Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { appendEvent, inTenant, type Database } from '@ngome/store'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { LimitNames } from './tenant-meters.ts'

/** Of each key, one event: more would make of a flood of requests a flood of writes. */
const everyMs = 60_000
/** Keys that are remembered for it; those past it have no event of their own, and are counted as all are. */
const keysMax = 10_000

type Ports = {
  readonly database: Database; readonly clock: Clock; readonly random: Random; readonly logger: Logger; readonly monotonicMs: () => number
}
type Told = { atMs: number; count: number }

/** Keeps that a key was refused for its limits, at most once a minute, with how often it was since. */
export class LimitEvents {
  readonly #ports: Ports
  readonly #told = new Map<ApiKeyId, Told>()

  constructor(ports: Ports) {
    this.#ports = ports
  }

  refused({ apiKey, tenant }: AuthenticatedCaller, limit: LimitNames): void {
    const atMs = this.#ports.monotonicMs()
    const told = this.#told.get(apiKey) ?? this.#remember(apiKey, atMs)
    if (told === undefined) return
    told.count++
    if (atMs - told.atMs < everyMs) return
    const { count } = told
    Object.assign(told, { atMs, count: 0 })
    const { database, clock, random, logger } = this.#ports
    const event = emit({ clock, random, process: 'gateway' }, 'limits.exceeded', tenant, { key: apiKey, limit, count })
    inTenant(database, tenant, (tx) => appendEvent(tx, event))
      .catch((err: unknown) => logger.error({ err }, 'the event of a limit that was reached could not be kept'))
  }

  #remember(apiKey: ApiKeyId, atMs: number): Told | undefined {
    if (this.#told.size >= keysMax) {
      for (const [key, one] of this.#told) if (atMs - one.atMs >= everyMs) this.#told.delete(key)
      if (this.#told.size >= keysMax) return undefined
    }
    const made = { atMs: Number.NEGATIVE_INFINITY, count: 0 }
    this.#told.set(apiKey, made)
    return made
  }
}
