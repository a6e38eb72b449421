import type { KeyReminders } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { findKeysPastTheirPeriod, findKeysToRemindOf, recordKeyReminder, type KeyToRemindOf } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'

/** Looked for at each run; the rest is told of at the next. */
const pageMax = 500

/** What ended earlier is the hourly look's, so that this one never reads what was told of long ago. */
const justMs = 2 * 3_600_000

type Reminding = Pick<Dispatcher, 'db' | 'clock' | 'random'>

/** What a key's people are told: it is old, or nobody needs it. */
const eventOf = { rotation_due: 'api_key.rotation_due', unused: 'api_key.unused' } as const

/**
 * Tells of API keys that are older than policy wants them, and of such that nobody used for long: once of each. Rolling or
 * revoking them is the merchant's and the operator's to do.
 * @throws Fault `store/unavailable`
 */
export async function remindOfKeys(
  dispatcher: Reminding, policy: KeyReminders, signal: AbortSignal,
): Promise<void> {
  const { db, clock } = dispatcher
  const nowMs = clock.nowMs()
  await tell(dispatcher, await findKeysToRemindOf(db, { nowMs, ...policy, limit: pageMax }), nowMs, signal)
  await tell(dispatcher, await findKeysPastTheirPeriod(db, { nowMs, sinceMs: null, limit: pageMax }), nowMs, signal)
}

/**
 * The same of keys whose own period has just ended: a short one is over before the hourly look comes by.
 * @throws Fault `store/unavailable`
 */
export async function remindOfShortKeys(dispatcher: Reminding, signal: AbortSignal): Promise<void> {
  const nowMs = dispatcher.clock.nowMs()
  const due = await findKeysPastTheirPeriod(dispatcher.db, { nowMs, sinceMs: nowMs - justMs, limit: pageMax })
  await tell(dispatcher, due, nowMs, signal)
}

async function tell(dispatcher: Reminding, keys: readonly KeyToRemindOf[], nowMs: number, signal: AbortSignal): Promise<void> {
  for (const key of keys) {
    if (signal.aborted) return
    await recordKeyReminder(dispatcher.db, key, emit(eventSource(dispatcher), eventOf[key.kind], key.tenant, { key: key.id }), nowMs)
  }
}
