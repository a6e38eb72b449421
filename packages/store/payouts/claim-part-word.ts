import type { PayoutBatchId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/**
 * Counts a body for a part of a batch: this one alone, for ever, however often the part was signed.
 * @param claim `digest`: SHA-256 of the body, 32 bytes
 * @returns `other` where another body was counted for it
 * @throws Fault `store/unavailable`
 */
export function claimPartWord(
  db: Database, tenant: Tenant, claim: { readonly batch: PayoutBatchId; readonly number: number; readonly digest: Uint8Array; readonly atMs: number },
): Promise<'claimed' | 'other'> {
  const { batch, number, digest, atMs } = claim
  return inTenant(db, tenant, async (tx) => {
    await tx.insertInto('payout_part_words').values({ ...tenant, batch, number, digest, at: new Date(atMs) })
      .onConflict((conflict) => conflict.doNothing()).execute()
    const counted = await tx.selectFrom('payout_part_words').select('number')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('batch', '=', batch).where('number', '=', number)
      .where('digest', '=', digest).executeTakeFirst()
    return counted === undefined ? 'other' : 'claimed'
  })
}
