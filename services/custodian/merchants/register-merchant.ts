import type { CustodianResponse } from '@ngome/contracts'
import { Secret } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { followRoot } from '../key-life/follow-root.ts'
import { appendLog } from '../log/append-log.ts'
import { insertWrappedKey } from '../store/wrapped-keys.ts'
import { indexKeyLabel } from './index-keys.ts'
import { insertMerchantKey, keySlots, makeMerchantKey } from './merchant-keys.ts'
import { publishedPeriods } from './periods.ts'
import { hasEnded, isRegistered, tenantName } from './tenants.ts'

const indexKeyBytes = 32

/** Registers a merchant in one world and makes its first keys. Doing so twice is fine, and makes nothing anew. @throws Refusal where all its keys were destroyed */
export async function registerMerchant(
  custodian: Custodian, caller: ProvenCaller, tenant: ParsedRequest<'/v1/merchants'>,
): Promise<CustodianResponse<'/v1/merchants'>> {
  const { store, clock, random, root, settings } = custodian
  if (await isRegistered(store, tenant)) return {}
  if (await hasEnded(store, tenant)) throw new Refusal('tenant_unknown', tenantName(tenant))
  await followRoot(custodian)
  const indexKey = await root.wrap(indexKeyLabel(tenant), new Secret(random.bytes(indexKeyBytes)))
  const slots = keySlots([tenant], publishedPeriods(clock.nowMs(), settings.merchantKeyPeriodMs))
  const keys = await Promise.all(slots.map((slot) => makeMerchantKey(custodian, slot)))
  await store.commits.run(async (transaction) => {
    // Another call may have come first while the keys were made; its keys are the ones.
    if (await isRegistered(transaction, tenant)) return
    const sql = 'INSERT INTO tenants (merchant, world, registered_at_ms) VALUES (?, ?, ?)'
    await transaction.run(sql, tenant.merchant, tenant.world, clock.nowMs())
    await insertWrappedKey(transaction, clock, indexKeyLabel(tenant), indexKey)
    for (const key of keys) await insertMerchantKey(transaction, custodian, callerName(caller), key)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/merchants', outcome: 'allowed', reason: '',
      subject: tenantName(tenant),
    })
  })
  return {}
}
