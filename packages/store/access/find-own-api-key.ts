import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { ownApiKeyColumns, toOwnApiKeyRow, type OwnApiKeyColumns, type OwnApiKeyRow } from './own-api-key-row.ts'

/** A key of this tenant; another's is as if it were not there. @throws Fault `store/unavailable` */
export async function findOwnApiKey(db: Database, tenant: Tenant, id: ApiKeyId): Promise<OwnApiKeyRow | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_own_api_key', text: `SELECT ${ownApiKeyColumns} WHERE k.merchant = $1 AND k.world = $2 AND k.id = $3`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const row = result?.rows[0] as unknown as OwnApiKeyColumns | undefined
  return row === undefined ? undefined : toOwnApiKeyRow(row)
}
