import type { PaymentStatus } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Transaction } from 'kysely'
import type { Tables } from '../tables.ts'

/**
 * Takes a payment for the rest of the transaction. Whoever writes its attempt or its outcome does this first, so that
 * all take their locks in one order and none waits for another in a circle. New rows that refer to it do not wait.
 * @returns its status under the lock, or `undefined` where the tenant has no such payment
 */
export async function lockPayment(
  tx: Transaction<Tables>,
  tenant: Tenant,
  payment: PaymentId,
): Promise<PaymentStatus | undefined> {
  const row = await tx.selectFrom('payments').select('status')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', payment)
    .forNoKeyUpdate().executeTakeFirst()
  return row?.status
}
