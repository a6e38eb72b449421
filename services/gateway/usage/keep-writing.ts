import type { Logger } from '@ngome/runtime'
import type { UsageBatch } from '@ngome/store'
import { Counter, type Registry } from 'prom-client'
import { writeEveryMs } from './bounds.ts'
import type { Countries } from './countries.ts'
import type { UsageRecorder } from './recorder.ts'
import { usageBatch } from './write-usage.ts'

export type UsageWriting = {
  /** Writes what was heard until now; the last thing of a gateway that ends. It never throws. */
  flush(): Promise<void>
  stop(): void
}

/**
 * Writes what the recorder heard every two seconds, one statement at a time. A batch that cannot be written is lost and
 * counted, not kept: a database that is away would make it grow, and one that answered too late would count it twice.
 */
export function keepWriting(from: {
  readonly recorder: UsageRecorder
  readonly countries: Countries
  readonly write: (batch: UsageBatch) => Promise<void>
  readonly logger: Logger
  readonly metrics: Registry
}): UsageWriting {
  const { recorder, countries, logger } = from
  const lost = new Counter({
    name: 'ngome_gateway_usage_lost_total', help: 'Answers whose usage was not kept.', registers: [from.metrics],
  })
  let underWay: Promise<void> = Promise.resolve()
  const write = async (): Promise<void> => {
    const heard = recorder.take()
    if (heard.lost > 0) lost.inc(heard.lost)
    if (heard.minutes.length === 0) return
    await countries.load()
    try {
      await from.write(usageBatch(heard, (address) => countries.find(address)))
    } catch (error) {
      lost.inc(heard.minutes.reduce((sum, { operations }) =>
        sum + operations.values().reduce((all, { requests, unauthenticated }) => all + requests + unauthenticated, 0), 0))
      logger.warn({ err: error }, 'the use of keys in the last seconds could not be kept')
    }
  }
  let isWaiting = false
  const timer = setInterval(() => {
    // A writing that is slow is not joined by others behind it: what comes meanwhile goes with the next.
    if (isWaiting) return
    isWaiting = true
    underWay = underWay.then(write).finally(() => { isWaiting = false })
  }, writeEveryMs)
  timer.unref()
  return {
    flush: () => underWay = underWay.then(write),
    stop: () => clearInterval(timer),
  }
}
