import type { Event } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inPlatform } from '../transaction.ts'
import type { PinSetRow } from './find-pin-set.ts'

/** Publishes a pin set, for the operator; its version is not there yet. @throws Fault `store/unavailable` */
export async function insertPinSet(db: Database, { version, statement, publishedAtMs }: PinSetRow, event: Event): Promise<void> {
  await inPlatform(db, async (tx) => {
    await tx.insertInto('pin_sets').values({ version, statement, published_at: new Date(publishedAtMs) }).execute()
    await appendEvent(tx, event)
  })
}
