import { newId, type ApiKeyId, type Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import type { UsageFacet } from '../tables.ts'

/** Counts of a key in a span of time. */
export type KeyCounts = {
  readonly requests: number
  readonly refused: number
  readonly failed: number
  readonly notFound: number
  readonly missedIds: number
  readonly payers: number
  readonly unauthenticated: number
}
/** One hour of a key, whole or so far. */
export type KeyHour = {
  readonly hourMs: number
  readonly operations: Readonly<Record<string, number>>
  readonly refused: number
  readonly notFound: number
  readonly missedIds: number
  readonly facets: readonly { readonly facet: UsageFacet; readonly value: string; readonly requests: number }[]
}

type OpenHour = {
  hourMs: number; operations: Record<string, number>; refused: number; notFound: number; missedIds: number
  facets: KeyHour['facets'][number][]
}
type OperationRow = { hour: Date; operation: string; requests: string; refused: string; not_found: string; missed_ids: string }
type CountsRow = { readonly [N in keyof KeyCounts as string]: string | bigint | null }

/**
 * What a key did since a time, all operations together.
 * @throws Fault `store/unavailable`
 */
export async function loadRecentCounts(db: Database, tenant: Tenant, key: ApiKeyId, sinceMs: number): Promise<KeyCounts> {
  const [result] = await pipelined(db, tenant, [{
    name: 'recent_key_counts',
    text: `SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(refused), 0) AS refused, coalesce(sum(failed), 0) AS failed,
        coalesce(sum(not_found), 0) AS not_found, coalesce(sum(missed_ids), 0) AS missed_ids,
        coalesce(sum(payers), 0) AS payers, coalesce(sum(unauthenticated), 0) AS unauthenticated
      FROM ngome.api_key_usage WHERE merchant = $1 AND world = $2 AND api_key = $3 AND grain = 'minute' AND at >= $4`,
    values: [tenant.merchant, tenant.world, key, new Date(sinceMs)],
  }])
  const row = (result?.rows[0] ?? {}) as CountsRow
  const number = (name: string): number => Number(row[name] ?? 0)
  return {
    requests: number('requests'), refused: number('refused'), failed: number('failed'), notFound: number('not_found'),
    missedIds: number('missed_ids'), payers: number('payers'), unauthenticated: number('unauthenticated'),
  }
}

/**
 * The hours of a key that begin in a span and in which it was used, the earliest first.
 * @throws Fault `store/unavailable`
 */
export async function loadKeyHours(
  db: Database, tenant: Tenant, key: ApiKeyId, span: { readonly fromMs: number; readonly untilMs: number },
): Promise<readonly KeyHour[]> {
  const values = [tenant.merchant, tenant.world, key, new Date(span.fromMs), new Date(span.untilMs)]
  const where = `merchant = $1 AND world = $2 AND api_key = $3 AND grain = 'minute' AND at >= $4 AND at < $5`
  const statements: readonly Statement[] = [
    {
      name: 'key_hours', values,
      text: `SELECT date_trunc('hour', at, 'UTC') AS hour, operation, sum(requests) AS requests, sum(refused) AS refused,
          sum(not_found) AS not_found, sum(missed_ids) AS missed_ids FROM ngome.api_key_usage
        WHERE ${where} AND requests > 0 GROUP BY 1, 2 ORDER BY 1, 2`,
    },
    {
      name: 'key_hours_facets', values,
      text: `SELECT date_trunc('hour', at, 'UTC') AS hour, facet, value, sum(requests) AS requests
        FROM ngome.api_key_usage_facets WHERE ${where} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    },
  ]
  const [counts, facets] = await pipelined(db, tenant, statements)
  const hours = new Map<number, OpenHour>()
  for (const row of (counts?.rows ?? []) as OperationRow[]) {
    const hourMs = row.hour.getTime()
    const hour = hours.get(hourMs) ?? { hourMs, operations: {}, refused: 0, notFound: 0, missedIds: 0, facets: [] }
    hour.operations[row.operation] = Number(row.requests)
    hour.refused += Number(row.refused)
    hour.notFound += Number(row.not_found)
    hour.missedIds += Number(row.missed_ids)
    hours.set(hourMs, hour)
  }
  for (const row of (facets?.rows ?? []) as { hour: Date; facet: UsageFacet; value: string; requests: string }[]) {
    hours.get(row.hour.getTime())?.facets.push({ facet: row.facet, value: row.value, requests: Number(row.requests) })
  }
  return [...hours.values()]
}

/**
 * How many payments that a key made since a time failed for a reason that lies with the payer or the number.
 * @throws Fault `store/unavailable`
 */
export async function countFailedPayers(db: Database, tenant: Tenant, key: ApiKeyId, sinceMs: number): Promise<number> {
  // Ids sort by their time within their prefix: from the first that could be made then to the end of its prefix, so that of each direction
  // only the partitions since then are read. The number of a refund is its collection's.
  const first = (['payment', 'payout'] as const).map((kind) => newId(kind, { clock: { nowMs: () => sinceMs }, random: { bytes: (length) => new Uint8Array(length) } }))
  const [result] = await pipelined(db, tenant, [{
    name: 'failed_payers',
    text: `SELECT coalesce(sum(f.n), 0) AS n FROM unnest($3::text[], $4::text[]) r (first, past) CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM ngome.payments p WHERE p.merchant = $1 AND p.world = $2 AND p.id >= r.first AND p.id < r.past AND p.api_key = $5
          AND p.status = 'failed' AND p.failure IN ('payer_unknown', 'insufficient_funds', 'not_allowed', 'payer_refused')
      ) f`,
    values: [tenant.merchant, tenant.world, first, first.map((id) => `${id.slice(0, id.indexOf('_'))}~`), key],
  }])
  return Number((result?.rows[0] as { n: string } | undefined)?.n ?? 0)
}
