import { Fault, type Clock, type Secret } from '@ngome/kernel'
import type { KeyLabel, RootKey } from '../root-keys/root-key.ts'
import type { Reading, Transaction } from './store.ts'

/** Keeps a wrapped key. */
export async function insertWrappedKey(
  transaction: Transaction, clock: Clock, label: KeyLabel, wrapped: Uint8Array,
): Promise<void> {
  await transaction.run(
    'INSERT INTO wrapped_keys (purpose, name, wrapped, created_at_ms) VALUES (?, ?, ?, ?)',
    label.purpose, label.name, wrapped, clock.nowMs(),
  )
}

/** @throws Fault `custodian/key_unusable` where there is no such key, or the row is not what the root wrapped */
export async function unwrapKey(
  from: { readonly store: Reading; readonly root: RootKey }, label: KeyLabel,
): Promise<Secret<Uint8Array>> {
  const { purpose, name } = label
  const row = await from.store.get('SELECT wrapped FROM wrapped_keys WHERE purpose = ? AND name = ?', purpose, name)
  if (row === undefined) throw new Fault('custodian/key_unusable', `there is no wrapped key ${purpose}/${name}`)
  return from.root.unwrap(label, row['wrapped'] as Uint8Array)
}

export async function hasWrappedKeys(store: Reading): Promise<boolean> {
  return await store.get('SELECT 1 FROM wrapped_keys LIMIT 1') !== undefined
}
