import { parseForwardPrefix, type CustodianResponse } from '@ngome/contracts'
import { parseBase64Url, toBase64Url } from '@ngome/kernel'
import { signDestination } from '@ngome/signatures'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'

/** An address that is not confirmed once in a while is somebody's forgotten hole. */
const lifeMsMax = 400 * 86_400_000

/**
 * Signs an address that the operator allows a merchant to forward to, recorded before it is answered. Without this
 * signature neither gateway nor dispatcher obeys a row.
 * @throws Refusal `custodian/refused` where the tenant was not registered or the address is not in its one spelling
 */
export async function signForwardDestination(
  { store, clock, statementKey }: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/forward-destination'>,
): Promise<CustodianResponse<'/v1/forward-destination'>> {
  const { merchant, world, destination: id, url, methods, authority } = request
  const tenant = { merchant, world }
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', tenantName(tenant))
  if (parseForwardPrefix(url, world) !== url) throw new Refusal('request_invalid', `${id} /url`)
  const expiresAtMs = Date.parse(request.expires)
  const nowMs = clock.nowMs()
  if (expiresAtMs <= nowMs || expiresAtMs > nowMs + lifeMsMax) throw new Refusal('request_invalid', `${id} /expires`)
  const certificateSha256 = request.certificateSha256 === null ? null : parseBase64Url(request.certificateSha256)
  if (certificateSha256 === undefined) throw new Refusal('request_invalid', `${id} /certificateSha256`)
  const proof = signDestination({ id, tenant, url, methods, certificateSha256, authority, expiresAtMs }, statementKey.privateKey)
  await store.commits.run((transaction) => appendLog(transaction, clock, {
    caller: callerName(caller), operation: '/v1/forward-destination', outcome: 'allowed', reason: '',
    subject: `${tenantName(tenant)}/${id}`,
  }))
  return { proof: toBase64Url(proof) }
}
