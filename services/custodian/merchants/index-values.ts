import { createHmac } from 'node:crypto'
import type { CustodianResponse } from '@ngome/contracts'
import { lengthPrefixed, parseBase64Url, toBase64Url, type Secret, type Tenant } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { spend } from '../openings/budgets.ts'
import { indexesPerHourMax } from '../openings/purposes.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'
import { findIndexKeys, indexKeyLabel } from './index-keys.ts'
import { isRegistered, tenantName } from './tenants.ts'

/** What the caller's half gives: HMAC-SHA-256. A plain value has another length, and is not wanted here. */
const blindedBytes = 32
const hourMs = 3_600_000

/**
 * Computes blind indexes: HMAC under the merchant's index key of what the caller has blinded already. The custodian
 * sees no value; the caller sees no key. The key is the tenant's first; where others followed, what is kept of the index
 * goes on through them (`advance-fingerprints.ts`). Counted by hour, since who may ask without end could try every phone number.
 * @throws Refusal `custodian/refused`
 */
export async function indexValues(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/index'>,
): Promise<CustodianResponse<'/v1/index'>> {
  const { store, root, clock } = custodian
  const tenant: Tenant = { merchant: request.merchant, world: request.world }
  const subject = `${tenantName(tenant)} values=${request.blinded.length}`
  const blinded = request.blinded.map((text) => parseBase64Url(text))
    .filter((bytes): bytes is Uint8Array => bytes?.length === blindedBytes)
  if (blinded.length < request.blinded.length) throw new Refusal('request_invalid', subject)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  const generation = (await findIndexKeys(store, tenant)).length
  const key = await unwrapKey({ store, root }, indexKeyLabel(tenant))
  await store.commits.run(async (transaction) => {
    const budget = { purpose: 'index', subject: '*', timesMax: indexesPerHourMax, windowMs: hourMs }
    if (!await spend(transaction, budget, clock.nowMs(), blinded.length)) throw new Refusal('purpose_budget_spent', subject)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/index', outcome: 'allowed', reason: '', subject,
    })
  })
  return { generation, indexes: blinded.map((bytes) => toBase64Url(indexOf(key, bytes))) }
}

function indexOf(key: Secret<Uint8Array>, blinded: Uint8Array): Uint8Array {
  const framed = lengthPrefixed('ngome/blind-index/v1', blinded)
  return key.expose((bytes) => createHmac('sha256', bytes).update(framed).digest())
}
