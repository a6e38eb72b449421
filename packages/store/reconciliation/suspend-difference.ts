import type { Event } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { makeAdjustment, type NewAdjustment } from '../ledger/make-adjustment.ts'
import { inTenant } from '../transaction.ts'
import { writeStep, type NewDifferenceStep } from './differences.ts'

/**
 * Moves what differs into suspense, or out of the books what is not at the network, in one transaction with the trail: for the merchant
 * whose account at the network it is.
 * @throws Fault `reconciliation/not_open`, `payments/insufficient_funds`, `store/unavailable`
 */
export async function suspendDifference(
  db: Database, tenant: Tenant, step: Omit<NewDifferenceStep, 'what'>, adjustment: NewAdjustment, event: Event,
): Promise<void> {
  await inTenant(db, tenant, async (tx) => {
    await makeAdjustment(tx, adjustment)
    await writeStep(tx, { ...step, what: 'suspended', adjustment: adjustment.id })
    await appendEvent(tx, event)
  })
}
