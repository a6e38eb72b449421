import type { KeyObject } from 'node:crypto'
import type { Clock, Tenant } from '@ngome/kernel'
import { proveMerchantKey, type ProvenMerchantKey } from '@ngome/signatures'
import { listSigningKeys, type Database } from '@ngome/store'

/** The newest key of use `encrypt` that the custodian stated and nobody revoked. @throws Fault `store/unavailable` */
export async function findEncryptionKey(
  { database, clock, statementKey }: { readonly database: Database; readonly clock: Clock; readonly statementKey: KeyObject }, tenant: Tenant,
): Promise<ProvenMerchantKey | undefined> {
  const nowMs = clock.nowMs()
  for (const row of await listSigningKeys(database, tenant)) {
    if (row.isRevoked || !row.uses.includes('encrypt')) continue
    const key = proveMerchantKey(row, row.proof, statementKey, nowMs)
    if (key !== undefined) return key
  }
  return undefined
}
