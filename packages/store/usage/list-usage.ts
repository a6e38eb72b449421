import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import type { UsageFacet } from '../tables.ts'

export type UsageOperationRow = {
  readonly apiKey: ApiKeyId
  readonly atMs: number
  readonly operation: string
  readonly requests: number
  readonly refused: number
  readonly failed: number
  readonly unauthenticated: number
  readonly unlogged: number
  readonly latencyUs: number
  readonly latencyMaxUs: number
}
export type UsageFacetRow = {
  readonly apiKey: ApiKeyId
  readonly atMs: number
  readonly facet: UsageFacet
  readonly value: string
  readonly requests: number
  readonly amountMinor: bigint
}
export type UsageRows = { readonly operations: readonly UsageOperationRow[]; readonly facets: readonly UsageFacetRow[] }

/** Rows of one reading; a span with more is too wide to show. */
export const usageRowsMax = 20_000

/**
 * What a tenant's keys did in a span of time, by minute or by hour. Minutes that became hours are shown in their hour.
 * @returns one row more than `usageRowsMax` of a kind where there are more
 * @throws Fault `store/unavailable`
 */
export async function listUsage(db: Database, tenant: Tenant, of: {
  readonly apiKey: ApiKeyId | null; readonly fromMs: number; readonly toMs: number; readonly by: 'minute' | 'hour'
}): Promise<UsageRows> {
  const values = [tenant.merchant, tenant.world, new Date(of.fromMs), new Date(of.toMs), of.apiKey, of.by, usageRowsMax + 1]
  const where = 'merchant = $1 AND world = $2 AND at >= $3 AND at < $4 AND ($5::text IS NULL OR api_key = $5)'
  const [operations, facets] = await pipelined(db, tenant, [
    {
      name: 'list_usage', values,
      text: `SELECT api_key, date_trunc($6, at, 'UTC') AS at, operation, sum(requests) AS requests, sum(refused) AS refused,
          sum(failed) AS failed, sum(unauthenticated) AS unauthenticated, sum(unlogged) AS unlogged,
          sum(latency_us) AS latency_us, max(latency_max_us) AS latency_max_us
        FROM ngome.api_key_usage WHERE ${where} GROUP BY 1, 2, 3 ORDER BY 2, 1, 3 LIMIT $7`,
    },
    {
      name: 'list_usage_facets', values,
      text: `SELECT api_key, date_trunc($6, at, 'UTC') AS at, facet, value, sum(requests) AS requests,
          sum(amount_minor) AS amount_minor
        FROM ngome.api_key_usage_facets WHERE ${where} GROUP BY 1, 2, 3, 4 ORDER BY 2, 1, 3, 4 LIMIT $7`,
    },
  ])
  type Row = Record<string, string> & { at: Date; api_key: ApiKeyId }
  return {
    operations: ((operations?.rows ?? []) as unknown as Row[]).map((row) => ({
      apiKey: row.api_key, atMs: row.at.getTime(), operation: row['operation'] ?? '', requests: Number(row['requests']),
      refused: Number(row['refused']), failed: Number(row['failed']), unauthenticated: Number(row['unauthenticated']),
      unlogged: Number(row['unlogged']), latencyUs: Number(row['latency_us']), latencyMaxUs: Number(row['latency_max_us']),
    })),
    facets: ((facets?.rows ?? []) as unknown as Row[]).map((row) => ({
      apiKey: row.api_key, atMs: row.at.getTime(), facet: row['facet'] as UsageFacet, value: row['value'] ?? '',
      requests: Number(row['requests']), amountMinor: BigInt(row['amount_minor'] ?? 0),
    })),
  }
}
