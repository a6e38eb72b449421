import type { Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { recordKeyUses, recordUsage, type Database } from '@ngome/store'
import type { Registry } from 'prom-client'
import { Countries } from './countries.ts'
import { keepWriting, type UsageWriting } from './keep-writing.ts'
import { LastUses } from './last-uses.ts'
import { UsageRecorder } from './recorder.ts'

/** Puts together who counts the use of keys, and who writes it. */
export function createUsage({ database, logger, metrics, clock, random }: {
  readonly database: Database
  readonly logger: Logger
  readonly metrics: Registry
  readonly clock: Clock
  readonly random: Random
}): UsageWriting & { readonly recorder: UsageRecorder; readonly onAnswer: UsageRecorder['onAnswer'] } {
  const recorder = new UsageRecorder({ clock, random })
  const countries = new Countries((err) => logger.error({ err }, 'no table of countries: requests are kept without'))
  const writing = keepWriting({ recorder, countries, logger, metrics, write: (batch) => recordUsage(database, batch) })
  const lastUses = new LastUses({ clock, logger, write: (uses) => recordKeyUses(database, uses) })
  lastUses.start()
  return {
    recorder,
    onAnswer: (route, status, ms, request) => {
      if (request !== undefined) lastUses.heard(request)
      recorder.onAnswer(route, status, ms, request)
    },
    flush: async () => {
      await Promise.all([writing.flush(), lastUses.flush()])
    },
    stop: () => {
      writing.stop()
      lastUses.stop()
    },
  }
}
