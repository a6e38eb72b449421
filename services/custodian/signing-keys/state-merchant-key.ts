import { createHash, type KeyObject } from 'node:crypto'
import { signingKeyUses, type CustodianResponse } from '@ngome/contracts'
import { parseBase64Url, toBase64Url } from '@ngome/kernel'
import { messageAlgorithmOf, parsePublicKey, signMerchantKey } from '@ngome/signatures'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'
import { parseMerchantRequest } from './parse-merchant-request.ts'
import { insertSigningKey } from './signing-key-records.ts'

/** A key that nobody renews once in a while may be one that nobody has any more. */
const lifeMsMax = 800 * 86_400_000

/**
 * States that a public key is a merchant's, recorded before it is answered: strong enough, of one algorithm, for uses that it is
 * fit for. Without this signature no process obeys a row.
 * @throws Refusal `custodian/refused` where the tenant was not registered, or key, request, uses or end are not fit
 */
export async function stateMerchantKey(
  { store, clock, statementKey }: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/merchant-signing-key'>,
): Promise<CustodianResponse<'/v1/merchant-signing-key'>> {
  const { merchant, world, key: id, from } = request
  const tenant = { merchant, world }
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', tenantName(tenant))
  const expiresAtMs = Date.parse(request.expires)
  const nowMs = clock.nowMs()
  if (expiresAtMs <= nowMs || expiresAtMs > nowMs + lifeMsMax) throw new Refusal('request_invalid', `${id} /expires`)
  const uses = signingKeyUses.filter((use) => request.uses.includes(use))
  if (uses.length !== request.uses.length) throw new Refusal('request_invalid', `${id} /uses`)
  const publicKey = 'request' in from ? await parseMerchantRequest(from.request) : ownKey(from.spki)
  const [algorithm, ...others] = new Set(uses.map((use) => publicKey === undefined ? undefined : messageAlgorithmOf(publicKey, use)))
  if (publicKey === undefined || algorithm === undefined || others.length > 0) throw new Refusal('request_invalid', `${id} /from`)
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const proof = signMerchantKey({ id, tenant, algorithm, spki, uses, expiresAtMs }, statementKey.privateKey)
  await store.commits.run(async (transaction) => {
    if (!await insertSigningKey(transaction, id, tenant, proof)) throw new Refusal('signing_key_known', `${tenantName(tenant)}/${id}`)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/merchant-signing-key', outcome: 'allowed', reason: '',
      subject: `${tenantName(tenant)}/${id} ${uses.join(',')} sha256:${createHash('sha256').update(spki).digest('hex')}`,
    })
  })
  return { algorithm, spki: toBase64Url(spki), proof: toBase64Url(proof) }
}

function ownKey(text: string): KeyObject | undefined {
  const bytes = parseBase64Url(text)
  return bytes === undefined ? undefined : parsePublicKey(bytes)
}
