import { emit } from '@ngome/contracts'
import { findKeysToRemindOf, recordKeyReminder } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'

/** Looked for at each run; the rest is told of at the next. */
const pageMax = 500

/** What a key's people are told: it is old, or nobody needs it. */
const eventOf = { rotation_due: 'api_key.rotation_due', unused: 'api_key.unused' } as const

/**
 * Tells of API keys that are older than policy wants them, and of such that nobody used for long: once of each. Rolling or
 * revoking them is the merchant's and the operator's to do.
 * @throws Fault `store/unavailable`
 */
export async function remindOfKeys(
  dispatcher: Pick<Dispatcher, 'db' | 'clock' | 'random'>,
  { ageMs, unusedMs }: { readonly ageMs: number; readonly unusedMs: number }, signal: AbortSignal,
): Promise<void> {
  const { db, clock } = dispatcher
  const nowMs = clock.nowMs()
  for (const key of await findKeysToRemindOf(db, { nowMs, ageMs, unusedMs, limit: pageMax })) {
    if (signal.aborted) return
    await recordKeyReminder(db, key, emit(eventSource(dispatcher), eventOf[key.kind], key.tenant, { key: key.id }), nowMs)
  }
}
