import type { PaymentId, Tenant } from '@ngome/kernel'
import { isCardMask } from '@ngome/payments'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import type { PaymentRow } from './find-payment.ts'

/**
 * The same payments, those with what their payers have to do that wait for them; only payments by card are looked up, and of them
 * those that have no end yet.
 * @throws Fault `store/unavailable`
 */
export async function withNextActions(db: Database, tenant: Tenant, rows: readonly PaymentRow[]): Promise<readonly PaymentRow[]> {
  const waiting = rows.filter(({ status, direction, payerMasked }) => (
    direction === 'collection' && (status === 'processing' || status === 'in_doubt') && isCardMask(payerMasked)
  ))
  if (waiting.length === 0) return rows
  const [result] = await pipelined(db, tenant, [{
    name: 'find_next_actions',
    text: 'SELECT payment, url FROM ngome.payment_actions WHERE merchant = $1 AND world = $2 AND payment = ANY ($3::text[])',
    values: [tenant.merchant, tenant.world, waiting.map(({ id }) => id)],
  }])
  const urls = new Map((result?.rows ?? []).map((row) => [row['payment'] as PaymentId, row['url'] as string]))
  return rows.map((row) => {
    const url = urls.get(row.id)
    return url === undefined ? row : { ...row, nextAction: { type: 'redirect', url } as const }
  })
}
