import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { errorCode, uniqueViolation } from '../store-fault.ts'
import { inTenantPrepared } from '../transaction.ts'

/** What counts once of a merchant's word, and for which payment. */
export type AuthorizationClaim = {
  readonly payment: PaymentId
  /** Of what is one order's, 32 bytes. */
  readonly digest: Uint8Array
  /** When it was signed. A word that was signed 29 days before or after is another; `null` where it is the same for ever. */
  readonly spokenAtMs: number | null
  readonly atMs: number
}

/**
 * Counts a merchant's word for a payment: for that one alone, however often it is asked for.
 * @returns `spent` where it was counted for another payment, or this payment has another word
 * @throws Fault `store/unavailable`
 */
export async function claimAuthorization(db: Database, tenant: Tenant, claim: AuthorizationClaim): Promise<'claimed' | 'spent'> {
  const { payment, digest, spokenAtMs, atMs } = claim
  try {
    return await inTenantPrepared(db, tenant, async (tx) => {
      await tx.insertInto('payment_authorizations')
        .values({ ...tenant, digest, payment, at: new Date(atMs), spoken_at: spokenAtMs === null ? null : new Date(spokenAtMs) })
        .onConflict((conflict) => conflict.doNothing()).execute()
      const counted = await tx.selectFrom('payment_authorizations').select('digest')
        .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
        .where('digest', '=', digest).where('payment', '=', payment)
        .executeTakeFirst()
      return counted === undefined ? 'spent' : 'claimed'
    })
  } catch (error) {
    if (errorCode(error) === uniqueViolation) return 'spent'
    throw error
  }
}
