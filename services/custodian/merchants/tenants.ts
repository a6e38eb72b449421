import type { Tenant } from '@ngome/kernel'
import type { Reading } from '../store/store.ts'

/** How rows and the log name a tenant. */
export function tenantName({ merchant, world }: Tenant): string {
  return `${merchant}/${world}`
}

/** Whether the operator registered it, and its keys were not all destroyed since. */
export async function isRegistered(store: Reading, tenant: Tenant): Promise<boolean> {
  const sql = 'SELECT 1 FROM tenants WHERE merchant = ? AND world = ?'
  return await store.get(sql, tenant.merchant, tenant.world) !== undefined && !await hasEnded(store, tenant)
}

export async function hasEnded(store: Reading, { merchant, world }: Tenant): Promise<boolean> {
  return await store.get('SELECT 1 FROM ended_tenants WHERE merchant = ? AND world = ?', merchant, world) !== undefined
}
