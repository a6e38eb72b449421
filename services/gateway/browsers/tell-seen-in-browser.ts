import { parseOrigin } from '@ngome/access'
import { emit } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { appendEvent, inTenant, type Database } from '@ngome/store'
import { OnceAnHour, type SeenInBrowser } from './hold-origin.ts'

/** Writes the event of a secret key that came from a browser, once an hour for each key, beside the request. */
export function tellSeenInBrowser({ database, clock, random, logger, monotonicMs }: {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly monotonicMs: () => number
}): SeenInBrowser {
  const told = new OnceAnHour(monotonicMs)
  return ({ apiKey, tenant }, text) => {
    if (!told.isDue(apiKey)) return
    // Whatever else somebody writes there is not kept.
    const origin = parseOrigin(text, 'test') ?? null
    const event = emit({ clock, random, process: 'gateway' }, 'api_key.seen_in_browser', tenant, { key: apiKey, origin })
    inTenant(database, tenant, (tx) => appendEvent(tx, event))
      .catch((err: unknown) => logger.error({ err }, 'the event of a secret key in a browser could not be kept'))
  }
}
