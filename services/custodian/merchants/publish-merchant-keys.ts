import type { CustodianResponse } from '@ngome/contracts'
import { Fault, toBase64Url } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import {
  findStatement, insertMerchantKey, keySlots, makeMerchantKey, verifyOwnStatement, type KeySlot, type NewMerchantKey,
} from './merchant-keys.ts'
import { publishedPeriods } from './periods.ts'
import { isRegistered, tenantName } from './tenants.ts'

/** Key pairs that are made at once: enough for both cores, few enough that other calls get their turn. */
const pairsAtOnce = 8

/**
 * Gives the signed statements of these tenants' merchant keys, for the present period and two ahead, making those that
 * are missing.
 * @throws Refusal `custodian/refused` where a tenant was not registered; then none is given
 */
export async function publishMerchantKeys(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/merchant-keys'>,
): Promise<CustodianResponse<'/v1/merchant-keys'>> {
  const { store, clock, settings } = custodian
  const { tenants } = request
  for (const tenant of tenants) {
    if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', tenantName(tenant))
  }
  const slots = keySlots(tenants, publishedPeriods(clock.nowMs(), settings.merchantKeyPeriodMs))
  await makeMissing(custodian, caller, slots)
  const statements: string[] = []
  for (const slot of slots) statements.push(toBase64Url(await provenStatement(custodian, slot)))
  return { statements }
}

async function makeMissing(custodian: Custodian, caller: ProvenCaller, slots: readonly KeySlot[]): Promise<void> {
  const missing: KeySlot[] = []
  for (const slot of slots) {
    if (await findStatement(custodian.store, slot) === undefined) missing.push(slot)
  }
  for (let at = 0; at < missing.length; at += pairsAtOnce) {
    const keys: readonly NewMerchantKey[] = await Promise.all(
      missing.slice(at, at + pairsAtOnce).map((slot) => makeMerchantKey(custodian, slot)))
    await custodian.store.commits.run(async (transaction) => {
      for (const key of keys) await insertMerchantKey(transaction, custodian, callerName(caller), key)
    })
  }
}

/**
 * The statement of a slot, checked again: whoever can write the file could else put one merchant's key, or his own, in
 * the place of another's, and gateways would seal to it.
 */
async function provenStatement({ store, statementKey }: Custodian, slot: KeySlot): Promise<Uint8Array> {
  const bytes = await findStatement(store, slot)
  if (bytes === undefined) throw new Fault('custodian/unavailable', 'a merchant key was not kept')
  const { tenant, retention, period } = verifyOwnStatement(bytes, statementKey)
  const owner = tenantName(slot.tenant)
  const isOfSlot = tenantName(tenant) === owner && retention === slot.retention && period === slot.period
  if (!isOfSlot) throw new Fault('custodian/key_unusable', `the row of ${owner} holds another's statement`)
  return bytes
}
