import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'
import { toCheckoutRow, type CheckoutColumns, type CheckoutRow } from './checkout-row.ts'

/** What the page of a session shows. */
export type CheckoutOfLink = CheckoutRow & {
  readonly merchantName: string
  /** Encrypted under the link; `null` once it was forgotten. */
  readonly details: Uint8Array | null
}

/**
 * Finds the session that a link leads to, before it is known whose it is.
 * @param tokenHash SHA-256 of the link's token: how long the search takes tells nothing of a token
 * @throws Fault `store/unavailable`
 */
export async function findCheckout(db: Database, tokenHash: Uint8Array): Promise<CheckoutOfLink | undefined> {
  const { rows } = await guarded(() => db.pool.query<Tenant & CheckoutColumns & { merchant_name: string; details: Uint8Array | null }>({
    name: 'find_checkout',
    text: 'SELECT * FROM ngome.find_checkout($1)',
    values: [tokenHash],
  }))
  const [row] = rows
  if (row === undefined) return undefined
  return {
    ...toCheckoutRow({ merchant: row.merchant, world: row.world }, row), merchantName: row.merchant_name, details: row.details,
  }
}
