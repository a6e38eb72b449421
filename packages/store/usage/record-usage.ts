import type { ApiKeyId, MerchantId, RequestId, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'
import type { UsageFacet } from '../tables.ts'

type OfKey = { readonly merchant: MerchantId; readonly world: World; readonly api_key: ApiKeyId }

/** What was counted of one key in one minute and operation; every number adds to what is there, the maximum aside. */
export type UsageCounts = OfKey & {
  /** The minute's beginning, ISO 8601. */
  readonly at: string
  readonly operation: string
  readonly requests: number
  readonly refused: number
  readonly failed: number
  readonly not_found: number
  readonly missed_ids: number
  readonly payers: number
  readonly unauthenticated: number
  readonly unlogged: number
  readonly latency_us: number
  readonly latency_max_us: number
}

/** Requests of one key and minute that have something in common; the sum of their payments where that is the amount. */
export type UsageFacetCounts = OfKey & {
  readonly at: string
  readonly facet: UsageFacet
  readonly value: string
  readonly requests: number
  /** Minor units, decimal. */
  readonly amount_minor: string
}

/** A line of the request log. */
export type RequestLine = OfKey & {
  readonly id: RequestId
  readonly at: string
  readonly operation: string
  readonly status: number
  readonly fault: string | null
  readonly latency_us: number
  readonly address: string | null
  readonly country: string | null
  readonly agent: string | null
}

export type UsageBatch = {
  readonly counts: readonly UsageCounts[]
  readonly facets: readonly UsageFacetCounts[]
  readonly lines: readonly RequestLine[]
}

/**
 * Adds a batch to what is kept, of all tenants, in one statement: all of it or nothing.
 * @throws Fault `store/unavailable`
 */
export async function recordUsage(db: Database, { counts, facets, lines }: UsageBatch): Promise<void> {
  await guarded(() => db.pool.query({
    name: 'record_usage',
    text: 'SELECT ngome.record_usage($1::jsonb, $2::jsonb, $3::jsonb)',
    values: [JSON.stringify(counts), JSON.stringify(facets), JSON.stringify(lines)],
  }))
}
