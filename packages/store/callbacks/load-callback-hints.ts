import type { CallbackHintId, DataKeyId, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenantPrepared } from '../transaction.ts'

/** What a network sent to a payment's callback path, still sealed. */
export type CallbackHint = {
  readonly id: CallbackHintId
  readonly sealed: Uint8Array
  readonly dataKey: { readonly id: DataKeyId; readonly sealed: Uint8Array }
}

/**
 * The hints of a payment that nobody has judged yet.
 * @throws Fault `store/unavailable`
 */
export async function loadCallbackHints(
  db: Database,
  tenant: Tenant,
  payment: PaymentId,
): Promise<readonly CallbackHint[]> {
  const rows = await inTenantPrepared(db, tenant, (tx) => tx.selectFrom('callback_hints as h')
    .innerJoin('data_keys as d', (join) => join
      .onRef('d.merchant', '=', 'h.merchant').onRef('d.world', '=', 'h.world').onRef('d.id', '=', 'h.data_key'))
    .select(['h.id', 'h.sealed', 'd.id as data_key', 'd.sealed as data_key_sealed'])
    .where('h.merchant', '=', tenant.merchant).where('h.world', '=', tenant.world).where('h.payment', '=', payment)
    .where('h.judged_at', 'is', null)
    .orderBy('h.number').execute())
  return rows.map((row) => ({
    id: row.id,
    sealed: row.sealed,
    dataKey: { id: row.data_key, sealed: row.data_key_sealed },
  }))
}
