import type { Approval } from '@ngome/contracts'
import type { MerchantKeyId, Tenant } from '@ngome/kernel'
import type { TestCustodian } from './test-custodian.ts'
import { approvalText, newPerson, signedBy } from './test-staff.ts'

/** The body of a destruction that two people have approved. */
export async function destruction(test: TestCustodian, tenant: Tenant, key: MerchantKeyId | null = null): Promise<{
  readonly merchant: Tenant['merchant']; readonly world: Tenant['world']
  readonly key: MerchantKeyId | null; readonly approval: Approval
}> {
  const parameters = { merchant: tenant.merchant, world: tenant.world, key }
  const text = approvalText(test.clock, { operation: '/v1/destroy-merchant-keys', parameters })
  return { ...parameters, approval: signedBy(text, await newPerson(test, 'Amina'), await newPerson(test, 'Okello')) }
}
