import type { Event } from '@ngome/contracts'
import type { AcmeOrderId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inPlatform } from '../transaction.ts'

/** Where the dispatcher is with an order; what is left out stays. */
export type AcmeProgress = {
  readonly state?: 'requested' | 'ordered' | 'issued' | 'failed'
  readonly dueAtMs: number
  readonly account?: string
  /** `null`: the authority's order is over, and another one is to be made. */
  readonly orderUrl?: string | null
  readonly orderedAtMs?: number
  readonly tries?: number
  readonly failure?: { readonly problem: string; readonly detail: string }
  /** Of an order that is `issued`, PEM. */
  readonly chain?: string
  /** Of an order that `failed`. */
  readonly endedAtMs?: number
}

/**
 * Writes down how far an order is. What was asked of the authority for it is removed where nobody asks any more.
 * @returns false where the order is over meanwhile: its gateway withdrew it
 * @throws Fault `store/unavailable`
 */
export async function recordAcmeProgress(db: Database, id: AcmeOrderId, progress: AcmeProgress, event?: Event): Promise<boolean> {
  const { state, dueAtMs, account, orderUrl, orderedAtMs, tries, failure, chain, endedAtMs } = progress
  return inPlatform(db, async (tx) => {
    const updated = await tx.updateTable('acme_orders').set({
      due_at: new Date(dueAtMs),
      ...state === undefined ? {} : { state },
      ...account === undefined ? {} : { account },
      ...orderUrl === undefined ? {} : { order_url: orderUrl },
      ...orderedAtMs === undefined ? {} : { ordered_at: new Date(orderedAtMs) },
      ...tries === undefined ? {} : { tries },
      ...failure,
      ...chain === undefined ? {} : { chain },
      ...endedAtMs === undefined ? {} : { ended_at: new Date(endedAtMs) },
    }).where('id', '=', id).where('state', 'in', ['requested', 'ordered']).executeTakeFirst()
    if (updated.numUpdatedRows === 0n) return false
    if (state !== undefined && state !== 'ordered') await tx.deleteFrom('acme_challenges').where('order_id', '=', id).execute()
    if (event !== undefined) await appendEvent(tx, event)
    return true
  })
}
