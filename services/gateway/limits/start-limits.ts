import { emit, type Event } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import type { Config, Logger } from '@ngome/runtime'
import { appendEvent, findMerchantLimits, inPlatform, type Database } from '@ngome/store'
import type { Registry } from 'prom-client'
import { createLimits, type Limits } from './compose-limits.ts'
import { LimitEvents } from './limit-events.ts'
import { DeadlineStore } from './shared-store.ts'

export type StartedLimits = Limits & { stop(): void }

type Surroundings = {
  readonly config: Pick<Config, 'limits'>
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly monotonicMs: () => number
  readonly metrics: Registry
}

/** Starts the limits of a gateway. */
export async function startLimits(from: Surroundings): Promise<StartedLimits> {
  const events = new LimitEvents(from)
  const store = from.config.limits.store === undefined ? undefined : await shareLimits(from, from.config.limits.store)
  const limits = createLimits({
    ...from,
    config: from.config.limits,
    store,
    find: (tenant) => findMerchantLimits(from.database, tenant),
    onRefused: (caller, limit) => events.refused(caller, limit),
  })
  return { ...limits, stop: () => store?.stop() }
}

/** The store of several gateways, with an event when it goes away and when it is back. */
async function shareLimits(from: Surroundings, config: NonNullable<Config['limits']['store']>): Promise<DeadlineStore> {
  const { database, clock, random, logger } = from
  // A third of all that a gateway would load, and one gateway alone has no use for it.
  const { connectRedis } = await import('./redis-store.ts')
  const tell = (event: Event): void => {
    inPlatform(database, (tx) => appendEvent(tx, event))
      .catch((err: unknown) => logger.error({ err }, 'an event of the limits\' store could not be kept'))
  }
  // The first answer is no return: nobody was told that it was away.
  let isTold = false
  return new DeadlineStore({
    // While it is away, an error comes with each try to connect; the one that began it was told.
    redis: connectRedis(config, (err) => logger.debug({ err }, 'the connection to the limits\' store')),
    nowUs: () => Math.floor(from.monotonicMs() * 1_000),
    onAway: (err) => {
      isTold = true
      logger.warn({ err, alarm: true }, 'the limits\' store is away: each gateway enforces its part')
      tell(emit({ clock, random, process: 'gateway' }, 'limits.store_away', null, {}))
    },
    onBack: (awayMs) => {
      if (!isTold) return
      logger.info({ awayMs }, 'the limits\' store is back')
      tell(emit({ clock, random, process: 'gateway' }, 'limits.store_back', null, { awayMs }))
    },
  })
}
