import { keySettingsJson, readOwnKeyRequest, successorSettings, type ApiKeySettings, type KeptApiKey } from '@ngome/access'
import { rollApiKeySchema, type CustodianResponse } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { tenantName } from '../merchants/tenants.ts'
import { proveSignedRequest, type ProvenRequest } from '../signing-keys/prove-signed-request.ts'
import { findEnd, recordEnd } from './api-keys.ts'
import { endResponse } from './end-api-key.ts'
import { makeKeptKey, recordKeptKey } from './keep-api-key.ts'
import { statementResponse } from './make-api-key-verifier.ts'
import { spendNonce } from './own-key-nonces.ts'
import { readShownKey } from './shown-api-key.ts'

/** What a signed request asks for: another key, or one in the place of an old one, which ends then. */
type Wanted = { readonly settings: ApiKeySettings; readonly old: { readonly kept: KeptApiKey; readonly endsAtMs: number } | null }

/**
 * Makes an API key because its merchant signed a request for just that, and for nobody else's word: what the key may do comes
 * from the signed body, or from the row of the key that the signed path names, as this custodian signed it. Nonce, key and end are
 * committed together, so that one request makes one key.
 * @throws Refusal `custodian/refused`
 */
export async function makeOwnApiKey(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/own-api-key'>,
): Promise<CustodianResponse<'/v1/own-api-key'>> {
  const { clock, statementKey, store } = custodian
  const { merchant, world, key, digest, rolled } = request
  const tenant = { merchant, world }
  const proven = await proveSignedRequest(custodian, tenant, request)
  const subject = `${tenantName(tenant)} ${key} by ${proven.signedBy}`
  const { settings, old } = rolled === null ? readNew(custodian, proven, subject) : await readRoll(custodian, proven, tenant, rolled)
  const kept = await makeKeptKey(custodian, tenant, { key, digest, settings })
  const endedAtMs = await store.commits.run(async (transaction) => {
    const spent = await spendNonce(transaction, tenant, proven, clock.nowMs())
    if (spent !== 'spent') throw new Refusal(spent === 'seen' ? 'nonce_seen' : 'own_keys_spent', subject)
    await recordKeptKey(transaction, kept)
    const endsAtMs = old === null ? null : await recordEnd(transaction, old.kept.id, old.endsAtMs)
    const instead = old === null || endsAtMs === null ? '' : ` instead of ${old.kept.id} at ${new Date(endsAtMs).toISOString()}`
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/own-api-key', outcome: 'allowed', reason: '', subject: `${subject}${instead}`,
    })
    return endsAtMs
  })
  return {
    statement: statementResponse(kept, statementKey),
    settings: keySettingsJson(settings),
    ended: old === null || endedAtMs === null ? null : endResponse(old.kept, endedAtMs, statementKey),
  }
}

function readNew({ clock, settings: { ownKeyPolicy } }: Custodian, { method, target, body }: ProvenRequest, subject: string): Wanted {
  if (method !== 'POST' || target !== '/v1/api_keys') throw new Refusal('signed_for_another', subject)
  const reading = readOwnKeyRequest(body, ownKeyPolicy, clock.nowMs())
  if (reading.kind !== 'settings') throw new Refusal('own_key_refused', `${subject} ${reading.kind} ${reading.field}`)
  return { settings: reading.settings, old: null }
}

async function readRoll(
  custodian: Custodian, { method, target, body }: ProvenRequest, tenant: Tenant, rolled: NonNullable<ParsedRequest<'/v1/own-api-key'>['rolled']>,
): Promise<Wanted> {
  const { kept, subject } = await readShownKey(custodian, { ...tenant, ...rolled })
  if (method !== 'POST' || target !== `/v1/api_keys/${kept.id}/roll`) throw new Refusal('signed_for_another', subject)
  const parsed = rollApiKeySchema.safeParse(body)
  if (!parsed.success) throw new Refusal('own_key_refused', subject)
  const endsAtMs = custodian.clock.nowMs() + parsed.data.expires_in * 1_000
  const { expiresAtMs } = kept.settings
  // Its successor would end with it: such a key was rolled before, or was given for a time.
  const isRolled = expiresAtMs !== null && await findEnd(custodian.store, kept.id) === expiresAtMs
  if (isRolled || (expiresAtMs !== null && expiresAtMs <= endsAtMs)) throw new Refusal('api_key_ended', subject)
  return { settings: successorSettings(kept), old: { kept, endsAtMs } }
}
