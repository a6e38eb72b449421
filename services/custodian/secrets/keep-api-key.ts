import { apiKeyVerifier, type ApiKeySettings, type KeptApiKey } from '@ngome/access'
import { parseBase64Url, type ApiKeyId, type Tenant } from '@ngome/kernel'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'
import type { Transaction } from '../store/store.ts'
import { insertApiKey } from './api-keys.ts'
import { activeVersion, findSecretVersions } from './named-secrets.ts'

export const digestBytes = 32

/**
 * Makes what is kept of a new key, under the newest pepper; nobody has recorded it yet.
 * @throws Refusal `custodian/refused`, among others for a live key while the root key is unprotected
 */
export async function makeKeptKey(
  { clock, root, secrets, store }: Pick<Custodian, 'clock' | 'root' | 'secrets' | 'store'>, tenant: Tenant,
  { key, digest: given, settings }: { readonly key: ApiKeyId; readonly digest: string; readonly settings: ApiKeySettings },
): Promise<KeptApiKey> {
  const subject = `${tenantName(tenant)} ${key}`
  const digest = parseBase64Url(given)
  if (digest?.length !== digestBytes) throw new Refusal('request_invalid', subject)
  if (settings.expiresAtMs !== null && settings.expiresAtMs <= clock.nowMs()) throw new Refusal('request_invalid', subject)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  if (tenant.world === 'live' && !root.describe().isProtected) throw new Refusal('root_unprotected', subject)
  const { value: pepper, version } = await secrets.newest('api-pepper')
  return { id: key, tenant, pepperVersion: version, verifier: apiKeyVerifier(pepper, { id: key, tenant, digest }), settings }
}

/** @throws Refusal `custodian/refused` where the pepper was replaced meanwhile, or for an id that stands for another key already */
export async function recordKeptKey(transaction: Transaction, { id, tenant, pepperVersion }: KeptApiKey): Promise<void> {
  const subject = `${tenantName(tenant)} ${id}`
  // A key under a pepper that is on its way out would not be waited for.
  if (activeVersion(await findSecretVersions(transaction, 'api-pepper'), 'api-pepper').version !== pepperVersion) {
    throw new Refusal('rotation_running', subject)
  }
  if (!await insertApiKey(transaction, { key: id, tenant, version: pepperVersion })) throw new Refusal('api_key_known', subject)
}
