import type { KeyReminders } from '@ngome/access'
import type { Event } from '@ngome/contracts'
import type { Secret } from '@ngome/kernel'
import { insertOwnApiKey, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import type { IdempotencyMarks } from '../idempotency/marks.ts'
import { apiKeyView } from './api-key-view.ts'
import type { MadeKey } from './make-own-key.ts'

/**
 * Keeps a key that was made, and shows its text, this once: what is kept for a repetition is the answer without it, since nobody
 * has it any more.
 * @param more fields of the answer beside the key's
 * @throws Fault `idempotency/key_reused`, `idempotency/in_flight`, `access/signature_refused`, `store/unavailable`
 */
export async function answerMadeKey(
  { database, reminders }: { readonly database: Database; readonly reminders: KeyReminders }, marks: IdempotencyMarks,
  { key, text, ended }: MadeKey, event: Event, more: object = {},
): Promise<Answer> {
  const view = { ...apiKeyView(key.tenant, { ...key, revokedAtMs: null, lastUse: null }, reminders, key.createdAtMs), ...more }
  const body = (secret: Secret<string> | null): string => secret === null
    ? JSON.stringify({ ...view, secret: null, secret_status: 'shown_before' })
    : secret.expose((value) => JSON.stringify({ ...view, secret: value, secret_status: 'shown' }))
  const idempotency = { ...marks, answer: { status: 201, body: body(null) } }
  const outcome = await insertOwnApiKey(database, { key, ended, event, idempotency })
  return answerOutcome(outcome, { status: 201, contentType: jsonType, body: body(text) })
}
