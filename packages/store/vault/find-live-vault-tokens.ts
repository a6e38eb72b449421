import type { Tenant, VaultTokenId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { isLive } from './find-vault-token.ts'

/** Which of these are live tokens of this tenant. @throws Fault `store/unavailable` */
export async function findLiveVaultTokens(
  db: Database, tenant: Tenant, ids: readonly VaultTokenId[], nowMs: number,
): Promise<ReadonlySet<VaultTokenId>> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_live_vault_tokens',
    text: `SELECT id FROM ngome.vault_tokens
      WHERE merchant = $1 AND world = $2 AND ${isLive('$3')} AND id = ANY ($4::text[])`,
    values: [tenant.merchant, tenant.world, new Date(nowMs), ids],
  }])
  return new Set((result?.rows ?? []).map((row) => row['id'] as VaultTokenId))
}
