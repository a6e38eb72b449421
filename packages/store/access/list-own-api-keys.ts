import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { ownApiKeyColumns, toOwnApiKeyRow, type OwnApiKeyColumns, type OwnApiKeyRow } from './own-api-key-row.ts'

/** The most that one page holds, and one to know of a next page. */
const rowsMax = 101

/**
 * Lists a tenant's API keys, the newest first.
 * @param page `after`: the last id of the page before, or `null`
 * @throws Fault `store/unavailable`
 */
export async function listOwnApiKeys(
  db: Database, tenant: Tenant, page: { readonly after: ApiKeyId | null; readonly limit: number },
): Promise<readonly OwnApiKeyRow[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_own_api_keys',
    text: `SELECT ${ownApiKeyColumns} WHERE k.merchant = $1 AND k.world = $2 AND ($4::text IS NULL OR k.id < $4) ORDER BY k.id DESC LIMIT $3`,
    values: [tenant.merchant, tenant.world, Math.min(page.limit, rowsMax), page.after],
  }])
  return (result?.rows as unknown as OwnApiKeyColumns[] ?? []).map(toOwnApiKeyRow)
}
