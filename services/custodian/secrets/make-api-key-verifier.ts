import { apiKeyVerifier } from '@ngome/access'
import type { CustodianResponse } from '@ngome/contracts'
import { parseBase64Url, toBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'
import { secretVersion } from './named-secrets.ts'

const digestBytes = 32

/**
 * Computes what the database keeps of a new API key, so that the operator's command never holds the pepper.
 * @throws Refusal `custodian/refused`, among others for a live key while the root key is unprotected
 */
export async function makeApiKeyVerifier(
  { clock, root, secrets, store }: Custodian, caller: ProvenCaller,
  request: ParsedRequest<'/v1/api-key-verifier'>,
): Promise<CustodianResponse<'/v1/api-key-verifier'>> {
  const { merchant, world, key } = request
  const tenant = { merchant, world }
  const subject = `${tenantName(tenant)} ${key}`
  const digest = parseBase64Url(request.digest)
  if (digest?.length !== digestBytes) throw new Refusal('request_invalid', subject)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  if (world === 'live' && !root.describe().isProtected) throw new Refusal('root_unprotected', subject)
  const pepper = secrets.get('api-pepper')
  if (pepper === undefined) throw new TypeError('no API pepper')
  await store.commits.run((transaction) => appendLog(transaction, clock, {
    caller: callerName(caller), operation: '/v1/api-key-verifier', outcome: 'allowed', reason: '', subject,
  }))
  return { verifier: toBase64Url(apiKeyVerifier(pepper, { id: key, tenant, digest })), pepperVersion: secretVersion }
}
