import type { MerchantId, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'
import type { MerchantLimit } from './find-merchant-limits.ts'

export type MerchantRow = {
  readonly id: MerchantId
  readonly name: string
  readonly createdAtMs: number
  readonly frozenAtMs: number | null
  /** Whether values for the vault may come in clear. */
  readonly vaultPlaintext: Readonly<Record<World, 'allowed' | 'refused'>>
  /** Limits of its own; `null` where it has those of the configuration. */
  readonly limits: Readonly<Record<World, MerchantLimit | null>>
}

const pageMax = 1_000

/** Lists merchants, the oldest first. @throws Fault `store/unavailable` */
export async function listMerchants(
  db: Database,
  page: { readonly after: MerchantId | null; readonly limit: number },
): Promise<readonly MerchantRow[]> {
  const rows = await guarded(() => db.kysely.selectFrom('merchants').selectAll()
    .$if(page.after !== null, (query) => query.where('id', '>', page.after as MerchantId))
    .orderBy('id').limit(Math.min(page.limit, pageMax)).execute())
  const own = rows.length === 0 ? [] : await guarded(() => db.kysely.selectFrom('merchant_limits')
    .select(['merchant', 'world', 'rate_per_s', 'burst']).where('merchant', 'in', rows.map(({ id }) => id)).execute())
  const limitOf = (merchant: MerchantId, world: World): MerchantLimit | null => {
    const row = own.find((one) => one.merchant === merchant && one.world === world)
    return row === undefined ? null : { ratePerS: row.rate_per_s, burst: row.burst }
  }
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    createdAtMs: row.created_at.getTime(),
    frozenAtMs: row.frozen_at?.getTime() ?? null,
    vaultPlaintext: { test: row.vault_plaintext_test, live: row.vault_plaintext_live },
    limits: { test: limitOf(row.id, 'test'), live: limitOf(row.id, 'live') },
  }))
}
