import { parseKeySettings, type ApiKeySettings } from '@ngome/access'
import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/** What the operator shows of a key to the custodian. */
export type KeptApiKeyRow = {
  readonly tenant: Tenant
  readonly verifier: Uint8Array
  readonly pepperVersion: number
  readonly settings: ApiKeySettings
  /** Empty of a revoked key: nothing proves it any more. */
  readonly proof: Uint8Array
  readonly isRevoked: boolean
}

/**
 * @returns `undefined` where there is no such key, or none that anybody could prove
 * @throws Fault `store/unavailable`
 */
export async function findKeptApiKey(db: Database, id: ApiKeyId): Promise<KeptApiKeyRow | undefined> {
  const { rows: [row] } = await guarded(() => db.pool.query<Tenant & {
    verifier: Uint8Array; pepper_version: number; proof: Uint8Array | null; settings: unknown; revoked_at: Date | null
  }>('SELECT merchant, world, verifier, pepper_version, proof, settings, revoked_at FROM ngome.find_api_key($1)', [id]))
  const settings = parseKeySettings(row?.settings)
  if (row === undefined || settings === undefined || (row.proof === null && row.revoked_at === null)) return undefined
  const { merchant, world, verifier, proof } = row
  return { tenant: { merchant, world }, verifier, pepperVersion: row.pepper_version, settings, proof: proof ?? new Uint8Array(), isRevoked: row.revoked_at !== null }
}
