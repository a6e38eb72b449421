import type { Tenant } from '@ngome/kernel'
import type { Reading } from '../store/store.ts'

/** How rows and the log name a tenant. */
export function tenantName({ merchant, world }: Tenant): string {
  return `${merchant}/${world}`
}

export async function isRegistered(store: Reading, { merchant, world }: Tenant): Promise<boolean> {
  return await store.get('SELECT 1 FROM tenants WHERE merchant = ? AND world = ?', merchant, world) !== undefined
}
