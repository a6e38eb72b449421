import type { Tenant } from '@ngome/kernel'
import { listSigningKeys, type Database } from '@ngome/store'

/**
 * Whether a tenant was given a key to sign with that nobody revoked. One whose time is over counts: else a thief of an API key
 * waits for that day. Its proof is not asked for: a row that somebody planted locks out who cannot sign, and lets nobody in.
 * @throws Fault `store/unavailable`
 */
export async function hasSigningKey({ database }: { readonly database: Database }, tenant: Tenant): Promise<boolean> {
  const keys = await listSigningKeys(database, tenant)
  return keys.some(({ uses, isRevoked }) => uses.includes('sign') && !isRevoked)
}
