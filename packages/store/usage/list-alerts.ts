import type { AnomalyResponse } from '@ngome/contracts'
import type { AlertId, ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import type { NewAlert } from './raise-alert.ts'

export type AlertRow = Omit<NewAlert, 'subject'> & { readonly response: AnomalyResponse }

/** The most that one page holds, and one to know of a next page. */
const rowsMax = 101

/**
 * Lists a tenant's alerts, the newest first.
 * @param page `after`: the last id of the page before, or `null`; `apiKey`: only of this key, or `null`
 * @throws Fault `store/unavailable`
 */
export async function listAlerts(db: Database, tenant: Tenant, page: {
  readonly after: AlertId | null; readonly apiKey: ApiKeyId | null; readonly limit: number
}): Promise<readonly AlertRow[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_alerts',
    text: `SELECT id, api_key, kind, score, reason, evidence, response, at FROM ngome.api_key_alerts
      WHERE merchant = $1 AND world = $2 AND ($4::text IS NULL OR id < $4) AND ($5::text IS NULL OR api_key = $5)
      ORDER BY id DESC LIMIT $3`,
    values: [tenant.merchant, tenant.world, Math.min(page.limit, rowsMax), page.after, page.apiKey],
  }])
  type Row = Omit<AlertRow, 'apiKey' | 'atMs'> & { api_key: ApiKeyId; at: Date }
  return (result?.rows as unknown as Row[] ?? []).map(({ api_key: apiKey, at, ...row }) => ({ ...row, apiKey, atMs: at.getTime() }))
}
