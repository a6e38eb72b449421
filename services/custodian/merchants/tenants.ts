import type { DatabaseSync } from 'node:sqlite'
import type { Tenant } from '@ngome/kernel'

/** How rows and the log name a tenant. */
export function tenantName({ merchant, world }: Tenant): string {
  return `${merchant}/${world}`
}

export function isRegistered(db: DatabaseSync, { merchant, world }: Tenant): boolean {
  return db.prepare('SELECT 1 FROM tenants WHERE merchant = ? AND world = ?').get(merchant, world) !== undefined
}
