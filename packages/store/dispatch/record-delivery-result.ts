import type { Event } from '@ngome/contracts'
import type { Tenant, WebhookDeliveryId } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { enqueue } from '../jobs/enqueue.ts'
import { inTenant } from '../transaction.ts'

export type DeliveryResult =
  /** `event`: `webhook.delivered`. */
  | { readonly kind: 'delivered'; readonly httpStatus: number; readonly event: Event }
  /** It is tried again after the wait. */
  | { readonly kind: 'retry'; readonly httpStatus: number | null; readonly afterMs: number }
  /** `event`: `webhook.given_up`; `alarms`: what was found out with it. */
  | {
      readonly kind: 'given_up'
      readonly httpStatus: number | null
      readonly event: Event
      readonly alarms?: readonly Event[]
    }

/**
 * Records one try of a delivery; the next one, where there is one, is a job of the same transaction.
 * @returns `superseded` where the delivery was settled before
 * @throws Fault `store/unavailable`
 */
export async function recordDeliveryResult(
  db: Database,
  tenant: Tenant,
  id: WebhookDeliveryId,
  result: DeliveryResult,
  atMs: number,
): Promise<'recorded' | 'superseded'> {
  return inTenant(db, tenant, async (tx) => {
    const isSettled = result.kind !== 'retry'
    const updated = await tx.updateTable('webhook_deliveries')
      .set({
        state: result.kind === 'retry' ? 'pending' : result.kind,
        tries: sql<number>`tries + 1`,
        last_status: result.httpStatus,
        settled_at: isSettled ? new Date(atMs) : null,
      })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .where('state', '=', 'pending')
      .executeTakeFirst()
    if (updated.numUpdatedRows === 0n) return 'superseded'
    if (result.kind === 'retry') {
      await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: id }, { startAfterMs: result.afterMs })
    } else {
      const alarms = result.kind === 'given_up' ? result.alarms ?? [] : []
      for (const event of [...alarms, result.event]) await appendEvent(tx, event)
    }
    return 'recorded'
  })
}
