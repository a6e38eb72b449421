import { parseKeySettings, type ApiKeySettings } from '@ngome/access'
import type { Restriction } from '@ngome/contracts'
import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

export type ApiKeyRow = {
  readonly id: ApiKeyId
  readonly tenant: Tenant
  /** What `apiKeyVerifier` gives for the true key, 32 bytes. */
  readonly verifier: Uint8Array
  readonly pepperVersion: number
  /** What it may do; `undefined` where somebody wrote what nobody signs. */
  readonly settings: ApiKeySettings | undefined
  /** The custodian's signature over the fields above, to be checked. */
  readonly proof: Uint8Array | null
  readonly isRevoked: boolean
  readonly isMerchantFrozen: boolean
  /** Whether it may send values for the vault in clear. */
  readonly isVaultPlaintextAllowed: boolean
  /** What it may not do for a time, because its use was unusual. */
  readonly restriction?: KeyRestriction
}
export type KeyRestriction = { readonly restriction: Restriction; readonly endsAtMs: number }

/**
 * Finds a key by the id that a caller showed, before it is proven whose it is.
 * @throws Fault `store/unavailable`
 */
export async function findApiKey(db: Database, id: ApiKeyId): Promise<ApiKeyRow | undefined> {
  const { rows } = await guarded(() => db.pool.query<Tenant & {
    verifier: Uint8Array
    pepper_version: number
    proof: Uint8Array | null
    settings: unknown
    revoked_at: Date | null
    frozen_at: Date | null
    vault_plaintext: 'allowed' | 'refused'
    restriction: Restriction | null
    restricted_until: Date | null
  }>({
    name: 'find_api_key',
    text: `SELECT merchant, world, verifier, pepper_version, proof, settings, revoked_at, frozen_at, vault_plaintext,
        restriction, restricted_until
      FROM ngome.find_api_key($1) LEFT JOIN ngome.find_api_key_restriction($1) ON true`,
    values: [id],
  }))
  const row = rows[0]
  if (row === undefined) return undefined
  return {
    id,
    tenant: { merchant: row.merchant, world: row.world },
    verifier: row.verifier,
    pepperVersion: row.pepper_version,
    settings: parseKeySettings(row.settings),
    proof: row.proof,
    isRevoked: row.revoked_at !== null,
    isMerchantFrozen: row.frozen_at !== null,
    isVaultPlaintextAllowed: row.vault_plaintext === 'allowed',
    ...(row.restriction === null || row.restricted_until === null
      ? {} : { restriction: { restriction: row.restriction, endsAtMs: row.restricted_until.getTime() } }),
  }
}
