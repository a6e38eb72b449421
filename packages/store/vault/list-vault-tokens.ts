import type { Tenant, VaultTokenId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import {
  isLive, toVaultTokenRow, vaultTokenColumns, type VaultTokenColumns, type VaultTokenRow,
} from './find-vault-token.ts'

/** The most that one page holds, and one to know of a next page. */
const rowsMax = 101

/**
 * Lists live tokens, the newest first, since ids sort by the time they were made.
 * @param page `after`: the last id of the page before, or `null`; `fingerprint`: only tokens of this value, or `null`
 * @throws Fault `store/unavailable`
 */
export async function listVaultTokens(db: Database, tenant: Tenant, page: {
  readonly after: VaultTokenId | null
  readonly limit: number
  readonly fingerprint: string | null
  readonly nowMs: number
}): Promise<readonly VaultTokenRow[]> {
  const values: unknown[] = [tenant.merchant, tenant.world, new Date(page.nowMs), Math.min(page.limit, rowsMax)]
  let name = 'list_vault_tokens'
  let where = `merchant = $1 AND world = $2 AND ${isLive('$3')}`
  if (page.after !== null) {
    values.push(page.after)
    name += '_after'
    where += ` AND id < $${values.length}`
  }
  if (page.fingerprint !== null) {
    values.push(page.fingerprint)
    name += '_alike'
    where += ` AND fingerprint = $${values.length}`
  }
  const [result] = await pipelined(db, tenant, [{
    name,
    text: `SELECT ${vaultTokenColumns} FROM ngome.vault_tokens WHERE ${where} ORDER BY id DESC LIMIT $4`,
    values,
  }])
  return (result?.rows ?? []).map((row) => toVaultTokenRow(tenant, row as VaultTokenColumns))
}
