import { signApiKey, type KeptApiKey } from '@ngome/access'
import type { CustodianResponse } from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { recordEnd } from './api-keys.ts'
import { readShownKey } from './shown-api-key.ts'

/**
 * Signs an end of a key, or an earlier one than it has; a later one is answered with what stands. The end is kept here as
 * well: a row from before it is moved to no other pepper, so that it dies with its own.
 * @throws Refusal `custodian/refused`
 */
export async function endApiKey(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/end-api-key'>,
): Promise<CustodianResponse<'/v1/end-api-key'>> {
  const { clock, statementKey, store } = custodian
  const { endsAt, ...shown } = request
  const { kept, subject } = await readShownKey(custodian, shown)
  const wantedMs = Math.min(Date.parse(endsAt), kept.settings.expiresAtMs ?? Number.POSITIVE_INFINITY)
  const expiresAtMs = await store.commits.run(async (transaction) => {
    const endsAtMs = await recordEnd(transaction, kept.id, wantedMs)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/end-api-key', outcome: 'allowed', reason: '',
      subject: `${subject} at ${new Date(endsAtMs).toISOString()}`,
    })
    return endsAtMs
  })
  return endResponse(kept, expiresAtMs, statementKey)
}

/** The key with its end, signed anew; nothing else of it changes. */
export function endResponse(
  kept: KeptApiKey, expiresAtMs: number, { privateKey }: Custodian['statementKey'],
): CustodianResponse<'/v1/end-api-key'> {
  const proof = signApiKey({ ...kept, settings: { ...kept.settings, expiresAtMs } }, privateKey)
  return { proof: toBase64Url(proof), endsAt: new Date(expiresAtMs).toISOString() }
}
