import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from '@ngome/runtime'
import type { Custodian } from '../custodian.ts'
import { checkLog } from './check-log.ts'

/** After each page, which takes some 3 ms: the check of a long log leaves four fifths of the time to those who call. */
const pauseMs = 12

/**
 * Checks the whole log once, behind the start, which looked at its last rows only: a million rows in about a minute. A
 * row that does not hold is an alarm; whoever changed it had the store in his hands.
 * @returns ends it
 */
export function watchLog(
  { store, alarm }: Pick<Custodian, 'store' | 'alarm'>, logger: Logger, everyMs: number = pauseMs,
): () => Promise<void> {
  const over = new AbortController()
  const look = async (): Promise<void> => {
    try {
      const check = await checkLog(store, { pause: () => wait(everyMs, undefined, { signal: over.signal, ref: false }) })
      if (check.ok) logger.info({ rows: check.rows }, 'the whole log holds')
      else alarm({ what: 'the log was changed', caller: 'custodian', subject: `row ${check.brokenAt}` })
    } catch (err) {
      if (!over.signal.aborted) logger.error({ err }, 'the whole log could not be checked; the next start tries again')
    }
  }
  const looking = look()
  return async () => {
    over.abort()
    await looking
  }
}
