import type { Event } from '@ngome/contracts'
import { Fault, type Tenant } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import type { NewAdjustment } from '../ledger/make-adjustment.ts'
import { errorCode } from '../store-fault.ts'
import { inTenant } from '../transaction.ts'

/**
 * Takes money out of suspense once somebody knows whose it is: no more than waits there.
 * @throws Fault `payments/insufficient_funds` where less waits, or the other side has less; `store/unavailable`
 */
export async function releaseSuspense(db: Database, tenant: Tenant, adjustment: NewAdjustment, event: Event): Promise<void> {
  const { id, kind, network, money, reason, madeBy, atMs } = adjustment
  await inTenant(db, tenant, async (tx) => {
    await sql`SELECT ngome.release_suspense(${id}, ${kind}, ${network}, ${money.currency}, ${money.amountMinor}, ${reason}, ${madeBy}, ${new Date(atMs)})`
      .execute(tx).catch((error: unknown) => {
        if (errorCode(error) !== 'NG007') throw error
        throw new Fault('payments/insufficient_funds', 'less waits in suspense than this takes', { cause: error })
      })
    await appendEvent(tx, event)
  })
}
