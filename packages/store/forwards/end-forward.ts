import type { Event, ForwardFailure } from '@ngome/contracts'
import type { ForwardId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/** `failed` is of one that was not sent; the others are of one that was. */
export type ForwardEnd =
  | { readonly status: 'failed'; readonly failure: ForwardFailure }
  | { readonly status: 'answered'; readonly answer: Uint8Array }
  | { readonly status: 'unknown' }

/**
 * Ends a forward, once: its template goes. Of one that is not in the state before, nothing changes.
 * @throws Fault `store/unavailable`
 */
export async function endForward(
  db: Database, tenant: Tenant, id: ForwardId, end: ForwardEnd, atMs: number, events: readonly Event[],
): Promise<'ended' | 'unchanged'> {
  return inTenant(db, tenant, async (tx) => {
    const updated = await tx.updateTable('forwards').set({
      status: end.status, sealed: null, ended_at: new Date(atMs),
      failure: end.status === 'failed' ? end.failure : null,
      answer: end.status === 'answered' ? end.answer : null,
    })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .where('status', '=', end.status === 'failed' ? 'accepted' : 'sent').executeTakeFirst()
    if (updated.numUpdatedRows === 0n) return 'unchanged'
    for (const event of events) await appendEvent(tx, event)
    return 'ended'
  })
}
