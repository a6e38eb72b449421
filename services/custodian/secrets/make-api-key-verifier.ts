import { apiKeyVerifier, parseKeySettings, signApiKey, type KeptApiKey } from '@ngome/access'
import type { CustodianResponse } from '@ngome/contracts'
import { parseBase64Url, toBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'
import { insertApiKey } from './api-keys.ts'
import { activeVersion, findSecretVersions } from './named-secrets.ts'

export const digestBytes = 32

/**
 * Computes what the database keeps of a new API key, so that the operator's command never holds the pepper, and signs
 * it with what the key may do, so that nobody else makes a key or lets one do more.
 * @throws Refusal `custodian/refused`, among others for a live key while the root key is unprotected, or for an id that
 * stands for another key already
 * @throws Fault `custodian/unavailable` where the pepper was replaced meanwhile
 */
export async function makeApiKeyVerifier(
  { clock, root, secrets, statementKey, store }: Custodian, caller: ProvenCaller,
  request: ParsedRequest<'/v1/api-key-verifier'>,
): Promise<CustodianResponse<'/v1/api-key-verifier'>> {
  const { merchant, world, key } = request
  const tenant = { merchant, world }
  const subject = `${tenantName(tenant)} ${key}`
  const digest = parseBase64Url(request.digest)
  const settings = parseKeySettings(request.settings)
  if (digest?.length !== digestBytes || settings === undefined) throw new Refusal('request_invalid', subject)
  if (settings.expiresAtMs !== null && settings.expiresAtMs <= clock.nowMs()) throw new Refusal('request_invalid', subject)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  if (world === 'live' && !root.describe().isProtected) throw new Refusal('root_unprotected', subject)
  const { value: pepper, version } = await secrets.newest('api-pepper')
  const kept: KeptApiKey = {
    id: key, tenant, pepperVersion: version, verifier: apiKeyVerifier(pepper, { id: key, tenant, digest }), settings,
  }
  await store.commits.run(async (transaction) => {
    // A key under a pepper that is on its way out would not be waited for.
    if (activeVersion(await findSecretVersions(transaction, 'api-pepper'), 'api-pepper').version !== version) {
      throw new Refusal('rotation_running', subject)
    }
    if (!await insertApiKey(transaction, { key, tenant, version })) throw new Refusal('api_key_known', subject)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/api-key-verifier', outcome: 'allowed', reason: '', subject,
    })
  })
  return statementResponse(kept, statementKey)
}

/** What of a key goes to the database, with the signature that makes it count. */
export function statementResponse(kept: KeptApiKey, { privateKey }: Custodian['statementKey']): CustodianResponse<'/v1/api-key-verifier'> {
  return {
    verifier: toBase64Url(kept.verifier), pepperVersion: kept.pepperVersion, proof: toBase64Url(signApiKey(kept, privateKey)),
  }
}
