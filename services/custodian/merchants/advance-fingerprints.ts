import { createHmac } from 'node:crypto'
import type { CustodianResponse } from '@ngome/contracts'
import { lengthPrefixed, parseBase64Url, toBase64Url, type Tenant } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { spend } from '../openings/budgets.ts'
import { advancesPerHourMax } from '../openings/purposes.ts'
import { noteFingerprintsLeft } from './index-rotations.ts'
import { alongChain, findIndexKeys } from './index-keys.ts'
import { isRegistered, tenantName } from './tenants.ts'

/** What is kept of an index: 128 bits. */
const fingerprintBytes = 16
const hourMs = 3_600_000
const label = 'ngome/blind-index-chain/v1'

/**
 * Takes fingerprints of an older index key on to the newest, from what is kept of them: no value is opened. Each step is
 * the first 128 bits of an HMAC under the next key of the tenant's chain. Counted by hour, apart from new indexes.
 * @throws Refusal `custodian/refused`
 */
export async function advanceFingerprints(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/advance-fingerprints'>,
): Promise<CustodianResponse<'/v1/advance-fingerprints'>> {
  const { store, clock } = custodian
  const tenant: Tenant = { merchant: request.merchant, world: request.world }
  const subject = `${tenantName(tenant)} values=${request.fingerprints.length} from=${request.generation}`
  const before = request.fingerprints.map((text) => parseBase64Url(text))
    .filter((bytes): bytes is Uint8Array => bytes?.length === fingerprintBytes)
  if (before.length < request.fingerprints.length) throw new Refusal('request_invalid', subject)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  if (request.generation >= (await findIndexKeys(store, tenant)).length) throw new Refusal('request_invalid', subject)
  const { value, generation } = await alongChain(custodian, tenant, request.generation, before, (values, key, next) => (
    key.expose((bytes) => values.map((one) => (
      createHmac('sha256', bytes).update(lengthPrefixed(label, next, one)).digest().subarray(0, fingerprintBytes)
    )))
  ))
  await store.commits.run(async (transaction) => {
    const budget = { purpose: 'index-advance', subject: '*', timesMax: advancesPerHourMax, windowMs: hourMs }
    if (!await spend(transaction, budget, clock.nowMs(), before.length)) throw new Refusal('purpose_budget_spent', subject)
    if (request.left !== null) await noteFingerprintsLeft(transaction, tenant, request.left)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/advance-fingerprints', outcome: 'allowed', reason: '', subject,
    })
  })
  return { generation, fingerprints: value.map((bytes) => toBase64Url(bytes)) }
}
