import type { CustodianResponse } from '@ngome/contracts'
import { newId, type MerchantKeyId, type Tenant } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { findMerchantKey, merchantKeyLabel } from '../merchants/merchant-keys.ts'
import { isRegistered, tenantName } from '../merchants/tenants.ts'
import { admitApproval } from '../staff/admit-approval.ts'
import { advanceKeys } from './advance-keys.ts'
import { findLife } from './key-life.ts'

/** Nobody destroys alone. */
const people = 2

/**
 * Orders the destruction of one merchant key, or of all keys of a tenant, on two people's approval. Nothing happens
 * before the wait is over, and until then it can be cancelled.
 * @throws Refusal `custodian/refused`, among others for a key that is active: it is rotated first
 */
export async function destroyMerchantKeys(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/destroy-merchant-keys'>,
): Promise<CustodianResponse<'/v1/destroy-merchant-keys'>> {
  const { clock, random, store, settings, succession } = custodian
  const { approval, ...parameters } = request
  const tenant: Tenant = { merchant: request.merchant, world: request.world }
  const subject = `${tenantName(tenant)} ${request.key ?? 'all'}`
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  await advanceKeys(custodian)
  if (request.key !== null) await assertDestroyable(custodian, tenant, request.key)
  const id = newId('destruction', { clock, random })
  const nowMs = clock.nowMs()
  const dueAtMs = nowMs + settings.keyPolicy.destructionWaitMs
  await store.commits.run(async (transaction) => {
    const approvedBy = await admitApproval(custodian, transaction, approval, {
      operation: '/v1/destroy-merchant-keys', parameters, people,
    })
    await transaction.run(
      `INSERT INTO destructions (id, merchant, world, merchant_key, state, approved_by, requested_at_ms, due_at_ms)
       VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?)`,
      id, tenant.merchant, tenant.world, request.key, approvedBy.join(' '), nowMs, dueAtMs,
    )
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/destroy-merchant-keys', outcome: 'allowed', reason: '',
      subject: `${id} ${subject}`,
    })
  })
  return { destruction: id, dueAt: new Date(dueAtMs).toISOString(), awaits: succession.awaits }
}

async function assertDestroyable(custodian: Custodian, tenant: Tenant, key: MerchantKeyId): Promise<void> {
  const statement = await findMerchantKey(custodian, key)
  const isTheirs = statement !== undefined && tenantName(statement.tenant) === tenantName(tenant)
  const state = (await findLife(custodian.store, merchantKeyLabel(key)))?.state
  const isRetired = state === 'decrypt-only' || state === 'compromised'
  if (!isTheirs || !isRetired) throw new Refusal('merchant_key_not_destroyable', `${tenantName(tenant)} ${key}`)
}
