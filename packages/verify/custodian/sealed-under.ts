import { parseSealedDataKey, type SealedDataKey } from '@ngome/envelope'
import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import type { SealedPaymentRow } from './sealed-payment.ts'

/** Payments and data keys that are looked at, the newest first. */
const rowsMax = 500

/** Of a tenant's newest payments one for each data key, which the newest come first. */
export async function paymentsByDataKey(
  auditor: Auditor, tenant: Tenant,
): Promise<readonly (SealedPaymentRow & { readonly dataKeyId: string })[]> {
  const rows = await auditor.query<{ id: PaymentId; blob: Uint8Array; key: Uint8Array }>(
    `SELECT p.id, p.sealed AS blob, k.sealed AS key FROM ngome.payments p
     JOIN ngome.data_keys k ON k.merchant = p.merchant AND k.world = p.world AND k.id = p.data_key
     WHERE p.merchant = $1 AND p.world = $2 ORDER BY p.id DESC LIMIT ${rowsMax}`,
    [tenant.merchant, tenant.world],
  )
  const byDataKey = new Map<string, SealedPaymentRow & { readonly dataKeyId: string }>()
  for (const { id, blob, key } of rows) {
    const parts = parseSealedDataKey(key)
    if (parts === undefined || byDataKey.has(parts.id)) continue
    byDataKey.set(parts.id, { tenant, id, blob, sealedDataKey: key, merchantKeyId: parts.merchantKeyId, dataKeyId: parts.id })
  }
  return [...byDataKey.values()]
}

/** The newest data keys of all tenants: what was sealed to which merchant key, and when. */
export async function newestDataKeys(auditor: Auditor): Promise<readonly SealedDataKey[]> {
  const rows = await auditor.query<{ key: Uint8Array }>(
    `SELECT sealed AS key FROM ngome.data_keys ORDER BY id DESC LIMIT ${rowsMax}`)
  return rows.flatMap(({ key }) => parseSealedDataKey(key) ?? [])
}
