import { encodeRecordContext, parseBlob, parseSealedDataKey, type RecordContext } from '@ngome/envelope'
import { toBase64Url, type PaymentId, type Tenant } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import { NotReached } from '../probe.ts'

/** A payment as it lies in the database: all that a thief of the database has of it. */
export type SealedPaymentRow = {
  readonly tenant: Tenant
  readonly id: PaymentId
  readonly blob: Uint8Array
  readonly sealedDataKey: Uint8Array
  /** The merchant key that the data key is sealed to. */
  readonly merchantKeyId: string
}

/** @throws NotReached where the row is not there, or not sealed */
export async function sealedPayment(auditor: Auditor, tenant: Tenant, id: PaymentId): Promise<SealedPaymentRow> {
  const [row] = await auditor.query<{ blob: Uint8Array; key: Uint8Array }>(
    `SELECT p.sealed AS blob, k.sealed AS key FROM ngome.payments p
     JOIN ngome.data_keys k ON k.merchant = p.merchant AND k.world = p.world AND k.id = p.data_key
     WHERE p.merchant = $1 AND p.world = $2 AND p.id = $3`,
    [tenant.merchant, tenant.world, id],
  )
  const dataKey = row && parseSealedDataKey(row.key)
  if (row === undefined || dataKey === undefined) throw new NotReached(`payment ${id} has no sealed row`)
  return { tenant, id, blob: row.blob, sealedDataKey: row.key, merchantKeyId: dataKey.merchantKeyId }
}

/** The context under which a payment is sealed, in the suite that its blob names. */
export function paymentContext(tenant: Tenant, id: PaymentId, blob: Uint8Array): Uint8Array {
  const suite = parseBlob(blob)?.suite
  if (suite === undefined) throw new NotReached('the payment\'s row holds no sealed record')
  const context: RecordContext = { tenant, table: 'payments', recordId: id, dataClass: 'restricted', version: 1 }
  return encodeRecordContext(context, suite)
}

/** What one asks the custodian with, to open a record. */
export function openRequest(dataKey: Uint8Array, context: Uint8Array, blob: Uint8Array): {
  dataKey: string
  context: string
  salt: string
} {
  const salt = parseBlob(blob)?.salt
  if (salt === undefined) throw new NotReached('the payment\'s row holds no sealed record')
  return { dataKey: toBase64Url(dataKey), context: toBase64Url(context), salt: toBase64Url(salt) }
}
