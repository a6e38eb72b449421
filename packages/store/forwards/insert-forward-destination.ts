import type { Event } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'
import type { ForwardDestinationRow } from './destination-row.ts'

/** Adds an allowed address, for the operator. @throws Fault `store/unavailable` */
export async function insertForwardDestination(
  db: Database, destination: ForwardDestinationRow, createdAtMs: number, event: Event,
): Promise<void> {
  const { id, tenant, url, methods, certificateSha256, authority, proof, expiresAtMs } = destination
  await inTenant(db, tenant, async (tx) => {
    await tx.insertInto('forward_destinations').values({
      id, ...tenant, url, methods, certificate_sha256: certificateSha256, authority, proof,
      created_at: new Date(createdAtMs), expires_at: new Date(expiresAtMs),
    }).execute()
    await appendEvent(tx, event)
  })
}
