import { apiKeyVerifier, isProvenApiKey, type KeptApiKey } from '@ngome/access'
import type { CustodianResponse } from '@ngome/contracts'
import { equalsInConstantTime, parseBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'
import { recordVersion } from './api-keys.ts'
import { digestBytes, statementResponse } from './make-api-key-verifier.ts'
import { activeVersion } from './named-secrets.ts'

/**
 * Takes what the database holds of a key that was just used. Under an older pepper it answers the same key under the
 * newest; under the newest it notes that the database has it, so that the older pepper is kept for it no longer. The
 * caller proves with the digest that the key was shown to him, and with our own signature that we made it.
 * @throws Refusal `custodian/refused`
 */
export async function rehashApiKey(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/rehash-api-key'>,
): Promise<CustodianResponse<'/v1/rehash-api-key'>> {
  const { clock, secrets, statementKey, store } = custodian
  const { merchant, world, key, pepperVersion } = request
  const tenant = { merchant, world }
  const subject = `${tenantName(tenant)} ${key} v${pepperVersion}`
  const [digest, verifier, proof] = [request.digest, request.verifier, request.proof].map(parseBase64Url)
  if (digest?.length !== digestBytes || verifier === undefined || proof === undefined) throw new Refusal('request_invalid', subject)
  const kept: KeptApiKey = { id: key, tenant, pepperVersion, verifier }
  if (!isProvenApiKey(kept, proof, statementKey.publicKey)) throw new Refusal('api_key_unproven', subject)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  const peppers = await secrets.alive('api-pepper')
  const present = peppers.find(({ version }) => version === pepperVersion)
  if (present === undefined) throw new Refusal('secret_version_unknown', subject)
  const isShown = equalsInConstantTime(verifier, apiKeyVerifier(present.value, { id: key, tenant, digest }))
  if (!isShown) throw new Refusal('api_key_not_shown', subject)
  const newest = activeVersion(peppers, 'api-pepper')
  await store.commits.run(async (transaction) => {
    if (present === newest) await recordVersion(transaction, key, pepperVersion)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/rehash-api-key', outcome: 'allowed', reason: '', subject: `${subject} to v${newest.version}`,
    })
  })
  if (present === newest) return { statement: null }
  const rehashed = { ...kept, pepperVersion: newest.version, verifier: apiKeyVerifier(newest.value, { id: key, tenant, digest }) }
  return { statement: statementResponse(rehashed, statementKey) }
}
