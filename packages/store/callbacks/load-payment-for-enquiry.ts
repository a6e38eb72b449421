import type { CallbackHintId, DataKeyId, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { dispatchableStatement, toDispatchable, type DispatchablePayment } from '../dispatch/load-payment.ts'
import { pipelined } from '../pipeline.ts'
import type { Statement } from '../statement.ts'

/** What a network sent to a payment's callback path, still sealed. */
export type CallbackHint = {
  readonly id: CallbackHintId
  readonly sealed: Uint8Array
  readonly dataKey: { readonly id: DataKeyId; readonly sealed: Uint8Array }
}

/** A payment, and the hints of it that nobody has judged yet. One that comes later has its own enquiry. */
export type HintedPayment = { readonly payment: DispatchablePayment; readonly hints: readonly CallbackHint[] }

/**
 * All that an enquiry needs of a payment, as of one moment.
 * @throws Fault `store/unavailable`
 */
export async function loadPaymentForEnquiry(db: Database, tenant: Tenant, id: PaymentId): Promise<HintedPayment | undefined> {
  const [payments, hints] = await pipelined(db, tenant, [dispatchableStatement(tenant, [id]), hintsStatement(tenant, id)])
  const [payment] = payments?.rows ?? []
  return payment && { payment: toDispatchable(payment), hints: (hints?.rows ?? []).map((row) => toHint(row as HintColumns)) }
}

type HintColumns = { readonly id: CallbackHintId; readonly sealed: Uint8Array; readonly data_key: DataKeyId; readonly data_key_sealed: Uint8Array }

function hintsStatement(tenant: Tenant, payment: PaymentId): Statement {
  return {
    name: 'load_callback_hints',
    text: `SELECT h.id, h.sealed, d.id AS data_key, d.sealed AS data_key_sealed FROM ngome.callback_hints h
        JOIN ngome.data_keys d ON d.merchant = h.merchant AND d.world = h.world AND d.id = h.data_key
      WHERE h.merchant = $1 AND h.world = $2 AND h.payment = $3 AND h.judged_at IS NULL ORDER BY h.number`,
    values: [tenant.merchant, tenant.world, payment],
  }
}

function toHint({ id, sealed, data_key: dataKey, data_key_sealed: dataKeySealed }: HintColumns): CallbackHint {
  return { id, sealed, dataKey: { id: dataKey, sealed: dataKeySealed } }
}
