import { parseKeySettings, signApiKey, type KeptApiKey } from '@ngome/access'
import type { CustodianResponse } from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { tenantName } from '../merchants/tenants.ts'
import { makeKeptKey, recordKeptKey } from './keep-api-key.ts'

/**
 * Computes what the database keeps of a new API key, so that the operator's command never holds the pepper, and signs
 * it with what the key may do, so that nobody else makes a key or lets one do more.
 * @throws Refusal `custodian/refused`, among others for a live key while the root key is unprotected, or for an id that
 * stands for another key already
 * @throws Fault `custodian/unavailable` where the pepper was replaced meanwhile
 */
export async function makeApiKeyVerifier(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/api-key-verifier'>,
): Promise<CustodianResponse<'/v1/api-key-verifier'>> {
  const { clock, statementKey, store } = custodian
  const { merchant, world, key, digest } = request
  const tenant = { merchant, world }
  const subject = `${tenantName(tenant)} ${key}`
  const settings = parseKeySettings(request.settings)
  if (settings === undefined) throw new Refusal('request_invalid', subject)
  const kept = await makeKeptKey(custodian, tenant, { key, digest, settings })
  await store.commits.run(async (transaction) => {
    await recordKeptKey(transaction, kept)
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
