import type { MerchantId, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

export type MerchantRow = {
  readonly id: MerchantId
  readonly name: string
  readonly createdAtMs: number
  readonly frozenAtMs: number | null
  /** Whether values for the vault may come in clear. */
  readonly vaultPlaintext: Readonly<Record<World, 'allowed' | 'refused'>>
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
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    createdAtMs: row.created_at.getTime(),
    frozenAtMs: row.frozen_at?.getTime() ?? null,
    vaultPlaintext: { test: row.vault_plaintext_test, live: row.vault_plaintext_live },
  }))
}
