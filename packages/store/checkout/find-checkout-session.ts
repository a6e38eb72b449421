import type { CheckoutSessionId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { toCheckoutRow, type CheckoutColumns, type CheckoutRow } from './checkout-row.ts'

/** Finds a session of a merchant by its id. @throws Fault `store/unavailable` */
export async function findCheckoutSession(db: Database, tenant: Tenant, id: CheckoutSessionId): Promise<CheckoutRow | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_checkout_session',
    text: `SELECT s.id, s.api_key, s.currency, s.amount_minor, s.reference, s.networks, s.created_at, s.expires_at, s.cancelled_at,
        t.try, t.payment, p.status, p.failure, p.network, p.payer_masked
      FROM ngome.checkout_sessions s
      LEFT JOIN ngome.checkout_tries t ON t.merchant = s.merchant AND t.world = s.world AND t.session = s.id
      LEFT JOIN ngome.payments p ON p.merchant = t.merchant AND p.world = t.world AND p.id = t.payment
      WHERE s.merchant = $1 AND s.world = $2 AND s.id = $3 ORDER BY t.try DESC LIMIT 1`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const row = result?.rows[0]
  return row === undefined ? undefined : toCheckoutRow(tenant, row as CheckoutColumns)
}
