import type { MerchantId, Tenant, VaultTokenId, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/**
 * Tokens of all tenants whose time is over and whose sealed values are still there, at most a thousand.
 * @throws Fault `store/unavailable`
 */
export async function findExpiredVaultTokens(
  db: Database, nowMs: number, limit: number,
): Promise<readonly { readonly tenant: Tenant; readonly id: VaultTokenId }[]> {
  type Row = { merchant: MerchantId; world: World; id: VaultTokenId }
  const { rows } = await guarded(() => db.pool.query<Row>(
    'SELECT merchant, world, id FROM ngome.find_expired_vault_tokens($1, $2)', [new Date(nowMs), limit]))
  return rows.map(({ merchant, world, id }) => ({ tenant: { merchant, world }, id }))
}
