import type { DatabaseSync } from 'node:sqlite'
import { Fault, type Clock, type Secret } from '@ngome/kernel'
import type { KeyLabel, RootKey } from '../root-keys/root-key.ts'

/** Keeps a wrapped key. Only inside a work of the commit queue. */
export function insertWrappedKey(db: DatabaseSync, clock: Clock, label: KeyLabel, wrapped: Uint8Array): void {
  db.prepare('INSERT INTO wrapped_keys (purpose, name, wrapped, created_at_ms) VALUES (?, ?, ?, ?)')
    .run(label.purpose, label.name, wrapped, clock.nowMs())
}

/** @throws Fault `custodian/key_unusable` where there is no such key, or the row is not what the root wrapped */
export async function unwrapKey(
  from: { readonly db: DatabaseSync; readonly root: RootKey }, label: KeyLabel,
): Promise<Secret<Uint8Array>> {
  const { purpose, name } = label
  const row = from.db.prepare('SELECT wrapped FROM wrapped_keys WHERE purpose = ? AND name = ?').get(purpose, name)
  if (row === undefined) throw new Fault('custodian/key_unusable', `there is no wrapped key ${purpose}/${name}`)
  return from.root.unwrap(label, row['wrapped'] as Uint8Array)
}

export function hasWrappedKeys(db: DatabaseSync): boolean {
  return db.prepare('SELECT 1 FROM wrapped_keys LIMIT 1').get() !== undefined
}
