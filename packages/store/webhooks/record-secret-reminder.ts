import type { Event } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'
import type { WebhookSecretPlace } from './find-old-webhook-secrets.ts'

/**
 * Records that the operator was reminded of a secret's age, with the event that does it: once for each secret.
 * @returns `superseded` where it was reminded of, replaced or deleted meanwhile
 * @throws Fault `store/unavailable`
 */
export async function recordSecretReminder(
  db: Database, { tenant, endpoint, version }: WebhookSecretPlace, event: Event, atMs: number,
): Promise<'recorded' | 'superseded'> {
  return inTenant(db, tenant, async (tx) => {
    const updated = await tx.updateTable('webhook_secrets').set({ reminded_at: new Date(atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
      .where('endpoint', '=', endpoint).where('version', '=', version)
      .where('reminded_at', 'is', null).where('ends_at', 'is', null)
      .executeTakeFirst()
    if (updated.numUpdatedRows === 0n) return 'superseded'
    await appendEvent(tx, event)
    return 'recorded'
  })
}
