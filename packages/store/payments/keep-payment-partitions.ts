import type { Event } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { guarded } from '../store-fault.ts'
import { inPlatform } from '../transaction.ts'

/** Partitions are made a year ahead; where there are fewer days than these, nobody could make any for eleven months. */
const daysAheadMin = 30

/**
 * Makes the partitions of payments for the years ahead, and writes an alarm where they run out: payments whose time has none lie in the
 * default partition, where they are found, and where no partition can be made for them any more.
 * @param alarm of so many days that are left
 * @returns for how many days there are partitions
 * @throws Fault `store/unavailable`
 */
export async function keepPaymentPartitions(db: Database, alarm: (days: number) => Event): Promise<number> {
  const { rows: [row] } = await guarded(() => db.pool.query<{ days: number }>('SELECT ngome.keep_payment_partitions() AS days'))
  const days = row?.days ?? 0
  if (days < daysAheadMin) await inPlatform(db, (tx) => appendEvent(tx, alarm(days)))
  return days
}
