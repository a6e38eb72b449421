import type { Event } from '@ngome/contracts'
import type { AttemptId, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { lastEventsStatement, provingStatement } from '../events/object-events.ts'
import { pipelinedTwice } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import type { ProveChange } from './record-outcome.ts'

/** An attempt that nobody has made yet; `reference` is a random UUID (version 4), `factsProof` proves the columns as they were compared with what was sealed. */
export type NewAttempt = { readonly id: AttemptId; readonly reference: string; readonly factsProof: Uint8Array; readonly atMs: number }

/**
 * Says, before the first byte leaves, that something may have left; the payment is `processing` from here on.
 * @param event `payment.processing`
 * @returns `superseded` where another holds the attempt by now, or the payment was cancelled: then nothing may be sent
 * @throws Fault `store/unavailable`
 */
export async function markAttemptSent(
  db: Database,
  tenant: Tenant,
  attempt: { readonly payment: PaymentId; readonly fence: number; readonly atMs: number },
  event: Event,
  prove: ProveChange,
): Promise<'marked' | 'superseded'> {
  const { payment, fence, atMs } = attempt
  return changeTogether(db, tenant, payment, event, prove, {
    name: 'mark_attempt_sent',
    text: `${held}, sent AS (
        UPDATE ngome.attempts a SET state = 'sent', sent_at = $4, sendings = 1 FROM held
        WHERE a.merchant = $1 AND a.world = $2 AND a.payment = held.id AND a.fence = $5 AND a.state = 'prepared' RETURNING a.facts_proof
      ) ${processing}`,
    values: [tenant.merchant, tenant.world, payment, new Date(atMs), fence],
  })
}

/**
 * As {@link markAttemptSent}, of a payment that has no attempt yet: makes it, with the fence 1, in the same transaction. What was not sent
 * leaves nothing, and when this returns `marked` the reference is on disk.
 * @returns `superseded` also where another made the attempt
 * @throws Fault `store/unavailable`
 */
export async function markNewAttemptSent(
  db: Database,
  tenant: Tenant,
  payment: PaymentId,
  { id, reference, factsProof, atMs }: NewAttempt,
  event: Event,
  prove: ProveChange,
): Promise<'marked' | 'superseded'> {
  return changeTogether(db, tenant, payment, event, prove, {
    name: 'mark_new_attempt_sent',
    text: `${held}, sent AS (
        INSERT INTO ngome.attempts (merchant, world, id, payment, reference, fence, facts_proof, state, prepared_at, sent_at, sendings)
        SELECT $1, $2, $5, held.id, $6, 1, $7, 'sent', $4, $4, 1 FROM held
        ON CONFLICT (merchant, world, payment) DO NOTHING RETURNING facts_proof
      ) ${processing}`,
    values: [tenant.merchant, tenant.world, payment, new Date(atMs), id, reference, factsProof],
  })
}

/** The payment before its attempt, as everybody locks them; one that was taken back meanwhile is not there, and what has not left stays. */
const held = `WITH held AS (
        SELECT p.id FROM ngome.payments p WHERE p.merchant = $1 AND p.world = $2 AND p.id = $3 AND p.status = 'accepted' FOR NO KEY UPDATE
      )`
const processing = `UPDATE ngome.payments p SET status = 'processing', updated_at = $4 FROM sent
      WHERE p.merchant = $1 AND p.world = $2 AND p.id = $3 AND p.status = 'accepted' RETURNING sent.facts_proof`

async function changeTogether(
  db: Database, tenant: Tenant, payment: PaymentId, event: Event, prove: ProveChange, change: Statement,
): Promise<'marked' | 'superseded'> {
  return pipelinedTwice(db, tenant, [change, lastEventsStatement(tenant, payment)], ([changed, events]) => {
    const row = changed?.rows[0] as { readonly facts_proof: Uint8Array | null } | undefined
    if (row === undefined) return { statements: null, result: 'superseded' }
    const proof = provingStatement(tenant, payment, events?.rows ?? [], (told) => prove(told, row.facts_proof))
    return { statements: [...proof === null ? [] : [proof], appendEventStatement(event)], result: 'marked' }
  })
}
