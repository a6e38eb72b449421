import type { CustodianResponse } from '@ngome/contracts'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { tenantName } from '../merchants/tenants.ts'
import { findSigningKey, revokeSigningKey } from './signing-key-records.ts'

/**
 * Revokes a merchant's key here, where nobody who writes in the database can take that back: nothing that it signed makes an
 * API key from now on. @throws Refusal `custodian/refused` for a key that the tenant does not have
 */
export async function revokeMerchantKey(
  { store, clock }: Custodian, caller: ProvenCaller, { merchant, world, key }: ParsedRequest<'/v1/revoke-merchant-signing-key'>,
): Promise<CustodianResponse<'/v1/revoke-merchant-signing-key'>> {
  const tenant = { merchant, world }
  const subject = `${tenantName(tenant)}/${key}`
  await store.commits.run(async (transaction) => {
    const record = await findSigningKey(transaction, key)
    if (record === undefined || tenantName(record.tenant) !== tenantName(tenant)) throw new Refusal('signing_key_unknown', subject)
    await revokeSigningKey(transaction, key, tenant, clock.nowMs())
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/revoke-merchant-signing-key', outcome: 'allowed', reason: '', subject,
    })
  })
  return {}
}
