import { defaultKeySettings, keySettingsJson, newApiKey } from '@ngome/access'
import type { ApiKeySettingsJson, CustodianRequest, CustodianResponse } from '@ngome/contracts'
import { systemRandom, toBase64Url, type ApiKeyId, type Tenant } from '@ngome/kernel'
import type { TestCustodian } from './test-custodian.ts'

/** An API key with what the database would hold of it. */
export type IssuedKey = {
  readonly tenant: Tenant; readonly id: ApiKeyId; readonly digest: Uint8Array
  readonly settings: ApiKeySettingsJson
  readonly statement: CustodianResponse<'/v1/api-key-verifier'>
}

/** What a key may do where nobody said anything. */
export const allAllowed = keySettingsJson(defaultKeySettings())

/** A key as the operator's command issues it. */
export async function issueKey(test: TestCustodian, tenant: Tenant, settings = allAllowed): Promise<IssuedKey> {
  const { id, digest } = newApiKey({ world: tenant.world, clock: test.clock, random: systemRandom })
  const statement = await test.call(await test.peer('operator'), '/v1/api-key-verifier', {
    ...tenant, key: id, digest: toBase64Url(digest), settings,
  })
  return { tenant, id, digest, settings, statement }
}

/** What a gateway sends when the key was used. */
export function rehashRequest({ tenant, id, digest, settings, statement }: IssuedKey): CustodianRequest<'/v1/rehash-api-key'> {
  return { ...tenant, ...statement, key: id, digest: toBase64Url(digest), settings }
}

/** What the operator's command sends to give it an end. */
export function endRequest({ tenant, id, settings, statement }: IssuedKey, endsAtMs: number): CustodianRequest<'/v1/end-api-key'> {
  return { ...tenant, ...statement, key: id, settings, endsAt: new Date(endsAtMs).toISOString() }
}
