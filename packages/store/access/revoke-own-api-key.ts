import type { Event } from '@ngome/contracts'
import type { ApiKeyId, Tenant } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/**
 * Revokes a key of this tenant. When this returns the revocation is counted, and within the lease no gateway accepts the key.
 * @returns `unknown` for a key that the tenant does not have, `already` for one that was revoked before
 * @throws Fault `store/unavailable`
 */
export async function revokeOwnApiKey(db: Database, tenant: Tenant, id: ApiKeyId, event: Event): Promise<'revoked' | 'already' | 'unknown'> {
  return inTenant(db, tenant, async (tx) => {
    const { rows: [row] } = await sql<{ result: 'revoked' | 'already' | 'unknown' }>`SELECT ngome.revoke_own_api_key(${id}) AS result`.execute(tx)
    if (row?.result === 'revoked') await appendEvent(tx, event)
    return row?.result ?? 'unknown'
  })
}
