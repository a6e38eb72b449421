import type { DestructionId, MerchantKeyId, RotationId, StaffId, Tenant } from '@ngome/kernel'
import type { Reading, Row } from '../store/store.ts'

/**
 * The destruction of one merchant key, or of all keys of a tenant. waiting: approved, can be called back. deleted: the
 * keys are gone from the store, the root above them is being replaced. done: the old root is gone too, and certified.
 */
export type Destruction = {
  readonly id: DestructionId
  readonly tenant: Tenant
  /** `null`: every key of the tenant, its index key included. */
  readonly merchantKey: MerchantKeyId | null
  readonly state: 'waiting' | 'cancelled' | 'deleted' | 'done'
  readonly approvedBy: readonly StaffId[]
  readonly requestedAtMs: number
  readonly dueAtMs: number
  readonly deletedAtMs: number | null
  /** The keys that were destroyed, `purpose/name`. */
  readonly destroyedKeys: readonly string[]
  readonly rotation: RotationId | null
  /** The signed certificate, as JSON. */
  readonly certificate: string | null
}

/** @returns destructions in a state, the first due first */
export async function findDestructions(
  store: Reading, state: Destruction['state'], dueBeforeMs: number = Number.MAX_SAFE_INTEGER,
): Promise<readonly Destruction[]> {
  const sql = 'SELECT * FROM destructions WHERE state = ? AND due_at_ms <= ? ORDER BY due_at_ms, id'
  return (await store.all(sql, state, dueBeforeMs)).map(destructionOf)
}

export async function findDestruction(store: Reading, id: DestructionId): Promise<Destruction | undefined> {
  const row = await store.get('SELECT * FROM destructions WHERE id = ?', id)
  return row === undefined ? undefined : destructionOf(row)
}

export function destructionOf(row: Row): Destruction {
  const listOf = (column: string): string[] => (row[column] === null ? [] : String(row[column]).split(' ').filter((one) => one !== ''))
  return {
    id: row['id'] as DestructionId,
    tenant: { merchant: row['merchant'], world: row['world'] } as Tenant,
    merchantKey: row['merchant_key'] as MerchantKeyId | null,
    state: row['state'] as Destruction['state'],
    approvedBy: listOf('approved_by') as StaffId[],
    requestedAtMs: Number(row['requested_at_ms']),
    dueAtMs: Number(row['due_at_ms']),
    deletedAtMs: row['deleted_at_ms'] === null ? null : Number(row['deleted_at_ms']),
    destroyedKeys: listOf('destroyed_keys'),
    rotation: row['rotation'] as RotationId | null,
    certificate: row['certificate'] as string | null,
  }
}
