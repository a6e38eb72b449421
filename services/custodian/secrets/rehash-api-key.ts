import { apiKeyVerifier } from '@ngome/access'
import type { CustodianResponse } from '@ngome/contracts'
import { equalsInConstantTime, parseBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { findEnd, recordVersion } from './api-keys.ts'
import { digestBytes } from './keep-api-key.ts'
import { statementResponse } from './make-api-key-verifier.ts'
import { activeVersion } from './named-secrets.ts'
import { readShownKey } from './shown-api-key.ts'

/**
 * Takes what the database holds of a key that was just used. Under an older pepper it answers the same key under the
 * newest, with the same settings; under the newest it notes that the database has it, so that the older pepper is kept for it no longer. The
 * caller proves with the digest that the key was shown to him, and with our own signature that we made it.
 * @throws Refusal `custodian/refused`
 */
export async function rehashApiKey(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/rehash-api-key'>,
): Promise<CustodianResponse<'/v1/rehash-api-key'>> {
  const { clock, secrets, statementKey, store } = custodian
  const { digest: given, ...shown } = request
  const digest = parseBase64Url(given)
  const { kept, subject } = await readShownKey(custodian, shown)
  const { id, tenant, pepperVersion, verifier, settings } = kept
  if (digest?.length !== digestBytes) throw new Refusal('request_invalid', subject)
  // Somebody put the row back from before its end was signed.
  const endsAtMs = await findEnd(store, id)
  if (endsAtMs !== null && (settings.expiresAtMs === null || settings.expiresAtMs > endsAtMs)) throw new Refusal('api_key_ended', subject)
  const peppers = await secrets.alive('api-pepper')
  const present = peppers.find(({ version }) => version === pepperVersion)
  if (present === undefined) throw new Refusal('secret_version_unknown', subject)
  const isShown = equalsInConstantTime(verifier, apiKeyVerifier(present.value, { id, tenant, digest }))
  if (!isShown) throw new Refusal('api_key_not_shown', subject)
  const newest = activeVersion(peppers, 'api-pepper')
  await store.commits.run(async (transaction) => {
    if (present === newest) await recordVersion(transaction, id, pepperVersion)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/rehash-api-key', outcome: 'allowed', reason: '', subject: `${subject} to v${newest.version}`,
    })
  })
  if (present === newest) return { statement: null }
  const rehashed = { ...kept, pepperVersion: newest.version, verifier: apiKeyVerifier(newest.value, { id, tenant, digest }) }
  return { statement: statementResponse(rehashed, statementKey) }
}
