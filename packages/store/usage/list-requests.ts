import type { ApiKeyId, RequestId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

export type LoggedRequestRow = {
  readonly id: RequestId
  readonly atMs: number
  readonly apiKey: ApiKeyId
  readonly operation: string
  readonly status: number
  readonly fault: string | null
  readonly latencyUs: number
  readonly address: string | null
  readonly country: string | null
  readonly agent: string | null
}

/** Which requests; what is `null` does not matter. */
export type RequestFilter = {
  readonly apiKey: ApiKeyId | null
  readonly status: number | null
  readonly operation: string | null
  readonly fromMs: number | null
  readonly toMs: number | null
}

/** The most that one reading holds: an export. */
export const loggedRequestsMax = 10_000

/**
 * Lists a tenant's requests, the newest first.
 * @param page `after`: the last id of the page before, or `null`
 * @throws Fault `store/unavailable`
 */
export async function listRequests(
  db: Database, tenant: Tenant, page: RequestFilter & { readonly after: RequestId | null; readonly limit: number },
): Promise<readonly LoggedRequestRow[]> {
  const date = (ms: number | null): Date | null => (ms === null ? null : new Date(ms))
  const [result] = await pipelined(db, tenant, [{
    name: 'list_requests',
    text: `SELECT id, at, api_key, operation, status, fault, latency_us, address, country, agent FROM ngome.request_log
      WHERE merchant = $1 AND world = $2 AND ($4::text IS NULL OR id < $4) AND ($5::text IS NULL OR api_key = $5)
        AND ($6::smallint IS NULL OR status = $6) AND ($7::text IS NULL OR operation = $7)
        AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at < $9)
      ORDER BY id DESC LIMIT $3`,
    values: [tenant.merchant, tenant.world, Math.min(page.limit, loggedRequestsMax), page.after, page.apiKey, page.status,
      page.operation, date(page.fromMs), date(page.toMs)],
  }])
  type Row = Omit<LoggedRequestRow, 'atMs' | 'apiKey' | 'latencyUs'> & { at: Date; api_key: ApiKeyId; latency_us: string | bigint }
  return (result?.rows as unknown as Row[] ?? []).map(({ at, api_key: apiKey, latency_us: latencyUs, ...row }) =>
    ({ ...row, atMs: at.getTime(), apiKey, latencyUs: Number(latencyUs) }))
}
