import type { PaymentStatus } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Statement } from '../statement.ts'
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
  const { text, values } = lockStatement(tenant, payment)
  const { rows: [row] } = await tx.executeQuery(CompiledQuery.raw(text, [...values]))
  return (row as { readonly status: PaymentStatus } | undefined)?.status
}

/** As {@link lockPayment}, among other statements. */
export function lockStatement({ merchant, world }: Tenant, payment: PaymentId): Statement {
  return { name: 'lock_payment', text: 'SELECT status FROM ngome.payments WHERE merchant = $1 AND world = $2 AND id = $3 FOR NO KEY UPDATE', values: [merchant, world, payment] }
}
