import { emit } from '@ngome/contracts'
import { findOldWebhookSecrets, recordSecretReminder } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'

/** Looked for at each run; the rest is told of at the next. */
const pageMax = 500

/**
 * Tells the operator of endpoints whose secret is older than policy wants it, once for each secret. Replacing it is the
 * merchant's: only his receivers know when they have the new one.
 * @throws Fault `store/unavailable`
 */
export async function remindOfOldSecrets(
  dispatcher: Pick<Dispatcher, 'db' | 'clock' | 'random'>, ageMs: number, signal: AbortSignal,
): Promise<void> {
  const { db, clock } = dispatcher
  const nowMs = clock.nowMs()
  for (const place of await findOldWebhookSecrets(db, nowMs - ageMs, pageMax)) {
    if (signal.aborted) return
    const { tenant, endpoint, version } = place
    const event = emit(eventSource(dispatcher), 'webhook_endpoint.secret_due', tenant, { endpoint, version })
    await recordSecretReminder(db, place, event, nowMs)
  }
}
