import type { JobData } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { enqueue } from '../jobs/enqueue.ts'
import { inTenantPrepared } from '../transaction.ts'

/**
 * Plans the next enquiry about what was sent, once for each turn: of many who plan after the same one, one does. So a job that runs twice
 * does not become two, and what a callback asks for beside does not begin a second row of enquiries.
 * @param enquiry `turn`: the one that asks for the next; 0 where there was none
 * @returns `superseded` where the next is planned already, or nothing was sent, or it has ended
 * @throws Fault `store/unavailable`
 */
export async function scheduleEnquiry(
  db: Database, { turn, ...enquiry }: Omit<JobData<'payment-enquire'>, 'turn'> & { readonly turn: number }, startAfterMs: number,
): Promise<'scheduled' | 'superseded'> {
  const { merchant, world, payment } = enquiry
  const isTaken = await inTenantPrepared(db, { merchant, world }, async (tx) => {
    const taken = await tx.updateTable('attempts').set({ enquiry_turn: turn + 1 })
      .where('merchant', '=', merchant).where('world', '=', world).where('payment', '=', payment)
      .where('state', '=', 'sent').where('enquiry_turn', '=', turn)
      .executeTakeFirst()
    if (taken.numUpdatedRows !== 1n) return false
    await enqueue(tx, 'payment-enquire', { ...enquiry, turn: turn + 1 }, { startAfterMs })
    return true
  })
  if (isTaken && startAfterMs === 0) db.wake('payment-enquire')
  return isTaken ? 'scheduled' : 'superseded'
}
