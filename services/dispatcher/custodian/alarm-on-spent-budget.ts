import { emit, type Purpose } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { appendEvent, inTenant, type Database } from '@ngome/store'
import type { OpenSealed } from './open-sealed.ts'

/** A budget is of an hour; an alarm for each payment that waits would drown the first. */
const quietMs = 3_600_000

type Ports = { readonly db: Database; readonly clock: Clock; readonly random: Random; readonly logger: Logger }

/**
 * Raises an alarm when the custodian opens nothing because a budget is spent: either more is asked of us than was
 * foreseen, or somebody else asks in our name. It comes with the first refusal and once an hour at most, for each
 * purpose. The opening waits as before; a payment that waits beyond the age of openable data keys is refused.
 */
export function alarmOnSpentBudget(open: OpenSealed, { db, clock, random, logger }: Ports): OpenSealed {
  const raisedAtMs = new Map<Purpose, number>()
  return async (purpose, record, signal) => {
    const opening = await open(purpose, record, signal)
    if (opening.kind !== 'later' || opening.reason !== 'budget_spent') return opening
    const nowMs = clock.nowMs()
    if (nowMs - (raisedAtMs.get(purpose) ?? -Infinity) < quietMs) return opening
    raisedAtMs.set(purpose, nowMs)
    logger.error({ purpose }, 'the custodian opens nothing more for this purpose: its budget is spent')
    try {
      const event = emit({ clock, random, process: 'dispatcher' }, 'custodian.budget_spent', null, { purpose })
      await inTenant(db, record.context.tenant, (tx) => appendEvent(tx, event))
    } catch (error) {
      logger.error({ err: error }, 'the alarm about a spent budget could not be recorded; the next refusal raises it')
      raisedAtMs.delete(purpose)
    }
    return opening
  }
}
