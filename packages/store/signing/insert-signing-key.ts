import type { Event } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'
import type { SigningKeyRow } from './signing-key-row.ts'

/** Adds a merchant's public key, for the operator. @throws Fault `store/unavailable` */
export async function insertSigningKey(db: Database, key: Omit<SigningKeyRow, 'isRevoked'>, event: Event): Promise<void> {
  const { id, tenant, algorithm, spki, uses, proof, createdAtMs, expiresAtMs } = key
  await inTenant(db, tenant, async (tx) => {
    await tx.insertInto('merchant_signing_keys').values({
      id, ...tenant, algorithm, spki, uses, proof, created_at: new Date(createdAtMs), expires_at: new Date(expiresAtMs),
    }).execute()
    await appendEvent(tx, event)
  })
}
