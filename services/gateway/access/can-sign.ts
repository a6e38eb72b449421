import type { Clock, Tenant } from '@ngome/kernel'
import { listSigningKeys, type Database } from '@ngome/store'

/**
 * Whether a tenant has a key to sign with. Its proof is not asked for: a row that somebody planted locks out who cannot
 * sign, and lets nobody in. @throws Fault `store/unavailable`
 */
export async function canSign({ database, clock }: { readonly database: Database; readonly clock: Clock }, tenant: Tenant): Promise<boolean> {
  const keys = await listSigningKeys(database, tenant)
  return keys.some(({ uses, isRevoked, expiresAtMs }) => uses.includes('sign') && !isRevoked && expiresAtMs > clock.nowMs())
}
