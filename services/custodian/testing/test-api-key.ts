import { newApiKey } from '@ngome/access'
import type { CustodianRequest, CustodianResponse } from '@ngome/contracts'
import { systemRandom, toBase64Url, type ApiKeyId, type Tenant } from '@ngome/kernel'
import type { TestCustodian } from './test-custodian.ts'

/** An API key with what the database would hold of it. */
export type IssuedKey = {
  readonly tenant: Tenant; readonly id: ApiKeyId; readonly digest: Uint8Array
  readonly statement: CustodianResponse<'/v1/api-key-verifier'>
}

/** A key as the operator's command issues it. */
export async function issueKey(test: TestCustodian, tenant: Tenant): Promise<IssuedKey> {
  const { id, digest } = newApiKey({ world: tenant.world, clock: test.clock, random: systemRandom })
  const statement = await test.call(await test.peer('operator'), '/v1/api-key-verifier', { ...tenant, key: id, digest: toBase64Url(digest) })
  return { tenant, id, digest, statement }
}

/** What a gateway sends when the key was used. */
export function rehashRequest({ tenant, id, digest, statement }: IssuedKey): CustodianRequest<'/v1/rehash-api-key'> {
  return { ...tenant, ...statement, key: id, digest: toBase64Url(digest) }
}
