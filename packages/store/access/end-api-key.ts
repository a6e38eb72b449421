import { keySettingsJson, type ApiKeySettings } from '@ngome/access'
import type { Event } from '@ngome/contracts'
import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'
import { countRevocation } from './revoke.ts'

/**
 * Puts a nearer end to a key, as the custodian signed it, where its row is still the one that was shown to it. It counts as
 * a revocation: within the lease every gateway knows the end.
 * @returns whether this did it: otherwise the key moved to another pepper, was revoked or was ended meanwhile
 * @throws Fault `store/unavailable`
 */
export async function endApiKey(db: Database, key: {
  readonly id: ApiKeyId
  readonly tenant: Tenant
  readonly fromProof: Uint8Array
  /** With the end. */
  readonly settings: ApiKeySettings
  readonly proof: Uint8Array
}, atMs: number, event: Event): Promise<boolean> {
  const { id, tenant: { merchant, world } } = key
  return inTenant(db, key.tenant, async (tx) => {
    const updated = await tx.updateTable('api_keys')
      .set({ settings: JSON.stringify(keySettingsJson(key.settings)), proof: key.proof })
      .where('id', '=', id).where('merchant', '=', merchant).where('world', '=', world)
      .where('proof', '=', key.fromProof).where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (updated.numUpdatedRows === 0n) return false
    // To gateways one is like the other: what they remember of the key counts no more, and they read it anew.
    await countRevocation(tx, { kind: 'api_key_revoked', merchant, apiKey: id, atMs })
    await appendEvent(tx, event)
    return true
  })
}
