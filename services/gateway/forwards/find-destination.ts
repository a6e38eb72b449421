import type { KeyObject } from 'node:crypto'
import { emit, suffixBelow, type CreateForward } from '@ngome/contracts'
import { Fault, type Clock, type Random, type Tenant } from '@ngome/kernel'
import { proveDestination, type ProvenDestination } from '@ngome/signatures'
import { appendEvent, inTenant, listForwardDestinations, type Database } from '@ngome/store'

export type FindDestinationPorts = {
  readonly database: Database
  /** The custodian's, which it signs allowed addresses with. */
  readonly statementKey: KeyObject
  readonly clock: Clock
  readonly random: Random
}

/**
 * Finds the address of the operator's that a forward goes below. The dispatcher decides again: this answer only tells
 * the merchant now, and keeps what goes nowhere out of the queue.
 * @throws Fault `forwards/destination_refused`, the same for one that was never allowed, has ended or is not proven;
 * recorded
 */
export async function findDestination(
  { database, statementKey, clock, random }: FindDestinationPorts, tenant: Tenant, { url, method }: CreateForward,
): Promise<ProvenDestination> {
  const rows = await listForwardDestinations(database, tenant)
  const fitting = rows.filter((row) => row.methods.includes(method) && suffixBelow(row.url, url) !== undefined)
  for (const row of fitting) {
    const proven = proveDestination(row, row.proof, statementKey, clock.nowMs())
    if (proven !== undefined) return proven
  }
  const reason = fitting.length > 0 ? 'destination_unproven' : 'address_not_allowed'
  const event = emit({ clock, random, process: 'gateway' }, 'forward.refused', tenant, { reason })
  await inTenant(database, tenant, (tx) => appendEvent(tx, event))
  throw new Fault('forwards/destination_refused', reason)
}
