import type { Event } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'
import { appendEvent } from './append-event.ts'

/** Writes an event of the platform itself, which is its whole effect. @throws Fault `store/unavailable` */
export async function appendPlatformEvent(db: Database, event: Event): Promise<void> {
  await inPlatform(db, (tx) => appendEvent(tx, event))
}
