import { isProvenApiKey, parseKeySettings, type KeptApiKey } from '@ngome/access'
import { parseBase64Url } from '@ngome/kernel'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'

/**
 * Reads what a caller says that the database holds of a key, and believes it for our own signature only.
 * @throws Refusal `custodian/refused`
 */
export async function readShownKey(
  { statementKey, store }: Pick<Custodian, 'statementKey' | 'store'>,
  { merchant, world, key, pepperVersion, ...shown }: Omit<ParsedRequest<'/v1/rehash-api-key'>, 'digest'>,
): Promise<{ readonly kept: KeptApiKey; readonly subject: string }> {
  const tenant = { merchant, world }
  const subject = `${tenantName(tenant)} ${key} v${pepperVersion}`
  const [verifier, proof, settings] = [parseBase64Url(shown.verifier), parseBase64Url(shown.proof), parseKeySettings(shown.settings)]
  if (verifier === undefined || proof === undefined || settings === undefined) throw new Refusal('request_invalid', subject)
  const kept: KeptApiKey = { id: key, tenant, pepperVersion, verifier, settings }
  if (!isProvenApiKey(kept, proof, statementKey.publicKey)) throw new Refusal('api_key_unproven', subject)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  return { kept, subject }
}
