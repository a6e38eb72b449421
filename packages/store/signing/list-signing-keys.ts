import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { signingKeyColumns, toSigningKeyRow, type SigningKeyColumns, type SigningKeyRow } from './signing-key-row.ts'

/** Keys of one merchant and world that count at the same time: two that take over from two. */
export const signingKeysMax = 8
/** Revoked ones stay on record; the newest of them are shown. */
const listedMax = 64

/** All keys of a tenant, the newest first. @throws Fault `store/unavailable` */
export async function listSigningKeys(db: Database, tenant: Tenant): Promise<readonly SigningKeyRow[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_signing_keys',
    text: `SELECT ${signingKeyColumns} FROM ngome.merchant_signing_keys
      WHERE merchant = $1 AND world = $2 ORDER BY revoked_at IS NOT NULL, id DESC LIMIT ${listedMax}`,
    values: [tenant.merchant, tenant.world],
  }])
  return (result?.rows ?? []).map((row) => toSigningKeyRow(tenant, row as SigningKeyColumns))
}
