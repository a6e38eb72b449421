import type { CustodianResponse } from '@ngome/contracts'
import { newId, type Tenant } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { findSlotKey, insertMerchantKey, keySlots, makeMerchantKey, merchantKeyLabel } from '../merchants/merchant-keys.ts'
import { periodAt, publishedPeriods } from '../merchants/periods.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'
import { advanceKeys } from './advance-keys.ts'
import { moveKey } from './key-life.ts'
import { countDone, endRotation, insertRotation } from './rotations.ts'

/**
 * Gives a tenant new merchant keys, in one transaction: for the present period, or, where the present ones are known to
 * others, for those that are published ahead as well. The old ones go on opening what was sealed to them; no record is
 * touched, and the cost is that of the keys. Gateways seal to the new ones from their next look on.
 * @throws Refusal `custodian/refused`
 */
export async function rotateMerchantKeys(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/rotate-merchant-keys'>,
): Promise<CustodianResponse<'/v1/rotate-merchant-keys'>> {
  const { clock, random, store, settings } = custodian
  const tenant: Tenant = { merchant: request.merchant, world: request.world }
  const subject = tenantName(tenant)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  await advanceKeys(custodian)
  const nowMs = clock.nowMs()
  const periodMs = settings.merchantKeyPeriodMs
  const periods = request.compromised ? publishedPeriods(nowMs, periodMs) : [periodAt(nowMs, periodMs)]
  const keys = await Promise.all(keySlots([tenant], periods).map((slot) => makeMerchantKey(custodian, slot)))
  const id = newId('rotation', { clock, random })
  const cause = request.compromised ? 'compromise' : 'demand'
  await store.commits.run(async (transaction) => {
    await insertRotation(transaction, { id, level: 'merchant', subject, cause, total: keys.length, startedAtMs: nowMs })
    const moved: string[] = []
    for (const key of keys) {
      const old = await findSlotKey(transaction, key.slot)
      const to = request.compromised ? 'compromised' : 'decrypt-only'
      if (old !== undefined) {
        await moveKey(transaction, merchantKeyLabel(old.id), { to, nowMs })
        moved.push(old.id)
      }
      await insertMerchantKey(transaction, custodian, callerName(caller), key)
    }
    await countDone(transaction, id, keys.length)
    await endRotation(transaction, id, nowMs)
    const entry = { caller: callerName(caller), outcome: 'allowed', reason: '' } as const
    await appendLog(transaction, clock, [
      { ...entry, operation: '/v1/rotate-merchant-keys', subject: `${id} ${cause} ${subject}` },
      // A row of its own: that keys are in others' hands is another matter than that they were replaced.
      ...request.compromised ? [{ ...entry, operation: 'keys-compromised', subject: `${subject} ${moved.join(' ')}` }] : [],
    ])
  })
  return { rotation: id }
}
