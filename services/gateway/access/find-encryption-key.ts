import type { KeyObject } from 'node:crypto'
import type { Clock, Tenant } from '@ngome/kernel'
import { chooseEncryptionKey, type ProvenMerchantKey } from '@ngome/signatures'
import { listSigningKeys, type Database } from '@ngome/store'

/** The newest key of use `encrypt` that the custodian stated and nobody revoked. @throws Fault `store/unavailable` */
export async function findEncryptionKey(
  { database, clock, statementKey }: { readonly database: Database; readonly clock: Clock; readonly statementKey: KeyObject }, tenant: Tenant,
): Promise<ProvenMerchantKey | undefined> {
  return chooseEncryptionKey(await listSigningKeys(database, tenant), statementKey, clock.nowMs())
}
