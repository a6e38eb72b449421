import type { Event } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { countRevocation } from '../access/revoke.ts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inMerchant } from '../transaction.ts'

/**
 * Says whether a tenant may send values for the vault in clear. It counts as a revocation, so that gateways learn of it
 * as fast.
 * @returns `already` where it was so before
 * @throws Fault `store/unavailable`
 */
export async function setVaultPlaintext(
  db: Database, { merchant, world }: Tenant,
  to: { readonly policy: 'allowed' | 'refused'; readonly atMs: number }, event: Event,
): Promise<'changed' | 'already' | 'unknown'> {
  const column = `vault_plaintext_${world}` as const
  return inMerchant(db, merchant, async (tx) => {
    const updated = await tx.updateTable('merchants').set({ [column]: to.policy })
      .where('id', '=', merchant).where(column, '<>', to.policy).executeTakeFirst()
    if (updated.numUpdatedRows === 0n) {
      const existing = await tx.selectFrom('merchants').select('id').where('id', '=', merchant).executeTakeFirst()
      return existing === undefined ? 'unknown' : 'already'
    }
    await countRevocation(tx, { kind: 'merchant_policy_changed', merchant, apiKey: null, atMs: to.atMs })
    await appendEvent(tx, event)
    return 'changed'
  })
}
