import type { Tenant } from '@ngome/kernel'

/** What a row of a tenant is found by: another tenant's is as if it were not there. */
export function tenantKey({ merchant, world }: Tenant, id: string): string {
  return `${merchant}/${world}/${id}`
}
