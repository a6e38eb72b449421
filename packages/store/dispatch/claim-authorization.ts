import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/**
 * Counts a merchant's word for a payment: for that one alone, for ever, however often it is asked for.
 * @param claim `digest`: SHA-256 of the bytes that were signed, 32 bytes
 * @returns `spent` where it was counted for another payment, or this payment has another word
 * @throws Fault `store/unavailable`
 */
export async function claimAuthorization(
  db: Database,
  tenant: Tenant,
  claim: { readonly payment: PaymentId; readonly digest: Uint8Array; readonly atMs: number },
): Promise<'claimed' | 'spent'> {
  return inTenant(db, tenant, async (tx) => {
    const { payment, digest } = claim
    await tx.insertInto('payment_authorizations').values({ ...tenant, digest, payment, at: new Date(claim.atMs) })
      .onConflict((conflict) => conflict.doNothing()).execute()
    const counted = await tx.selectFrom('payment_authorizations').select('digest')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
      .where('digest', '=', digest).where('payment', '=', payment)
      .executeTakeFirst()
    return counted === undefined ? 'spent' : 'claimed'
  })
}
