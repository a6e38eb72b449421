import type { JobData } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { enqueueStatement } from '../jobs/enqueue.ts'
import { pipelinedTwice } from '../pipeline.ts'

/** After which turn, 0 where there was none, an enquiry is planned; with when the network was first seen to have the attempt, where that is known by now. */
export type NextEnquiry = Omit<JobData<'payment-enquire'>, 'turn'> & { readonly turn: number; readonly takenAtMs?: number }

/**
 * Plans the next enquiry about what was sent, once for each turn: of many who plan after the same one, one does. So a job that runs twice
 * does not become two, and what a callback asks for beside does not begin a second row of enquiries. Notes in the same transaction that the network
 * has it, as `markAttemptTaken`, whoever plans the next.
 * @returns `superseded` where the next is planned already, or nothing was sent, or it has ended
 * @throws Fault `store/unavailable`
 */
export async function scheduleEnquiry(
  db: Database, { turn, takenAtMs, ...enquiry }: NextEnquiry, startAfterMs: number,
): Promise<'scheduled' | 'superseded'> {
  const { merchant, world, payment } = enquiry
  const isTaken = await pipelinedTwice(db, { merchant, world }, [{
    name: 'take_enquiry_turn',
    text: `WITH before AS (
        SELECT b.enquiry_turn FROM ngome.attempts b WHERE b.merchant = $1 AND b.world = $2 AND b.payment = $3 AND b.state = 'sent' FOR NO KEY UPDATE
      )
      UPDATE ngome.attempts a SET taken_at = coalesce(a.taken_at, $5::timestamptz), enquiry_turn = CASE before.enquiry_turn WHEN $4::integer THEN $4 + 1 ELSE before.enquiry_turn END
      FROM before WHERE a.merchant = $1 AND a.world = $2 AND a.payment = $3 AND (before.enquiry_turn = $4 OR a.taken_at IS NULL AND $5::timestamptz IS NOT NULL)
      RETURNING before.enquiry_turn = $4 AS is_next, a.reference`,
    values: [merchant, world, payment, turn, takenAtMs === undefined ? null : new Date(takenAtMs)],
  }], ([taken]) => {
    const row = taken?.rows[0] as { readonly is_next: boolean; readonly reference: string } | undefined
    if (row?.is_next !== true) return { statements: [], result: false }
    // The first goes by the attempt's reference, so that an end that comes before it takes it back (`recordOutcome`).
    return { statements: [enqueueStatement('payment-enquire', { ...enquiry, turn: turn + 1 }, startAfterMs, turn === 0 ? row.reference : undefined)], result: true }
  })
  if (isTaken && startAfterMs === 0) db.wake('payment-enquire')
  return isTaken ? 'scheduled' : 'superseded'
}
