import type { MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { signingKeyColumns, toSigningKeyRow, type SigningKeyColumns, type SigningKeyRow } from './signing-key-row.ts'

/** A key of this tenant; another's is as if it were not there. @throws Fault `store/unavailable` */
export async function findSigningKey(db: Database, tenant: Tenant, id: MerchantSigningKeyId): Promise<SigningKeyRow | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_signing_key',
    text: `SELECT ${signingKeyColumns} FROM ngome.merchant_signing_keys WHERE merchant = $1 AND world = $2 AND id = $3`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const row = result?.rows[0] as SigningKeyColumns | undefined
  return row === undefined ? undefined : toSigningKeyRow(tenant, row)
}
