import type { Event } from '@ngome/contracts'
import type { MerchantId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inMerchant } from '../transaction.ts'

/** @throws Fault `store/unavailable` */
export async function addMerchant(
  db: Database,
  merchant: { readonly id: MerchantId; readonly name: string; readonly createdAtMs: number },
  event: Event,
): Promise<void> {
  await inMerchant(db, merchant.id, async (tx) => {
    await tx.insertInto('merchants').values({
      id: merchant.id,
      name: merchant.name,
      created_at: new Date(merchant.createdAtMs),
      frozen_at: null,
    }).execute()
    await appendEvent(tx, event)
  })
}
