import { Fault, type Clock, type Secret } from '@ngome/kernel'
import { beginLife } from '../key-life/key-life.ts'
import type { KeyLabel, RootKey } from '../root-keys/root-key.ts'
import { rootIdOf } from '../root-keys/wrapped-key.ts'
import type { Reading, Transaction } from './store.ts'

/**
 * Keeps a wrapped key and begins its life.
 * @param pendingUntilMs when it becomes active; `null` at once
 * @throws Fault `custodian/unavailable` where the root that wrapped it was replaced meanwhile: the caller wraps anew
 */
export async function insertWrappedKey(
  transaction: Transaction, clock: Clock, label: KeyLabel, wrapped: Uint8Array, pendingUntilMs: number | null = null,
): Promise<void> {
  const root = rootIdOf(wrapped)
  // A row that appears behind a rotation's back would be lost with the old root.
  if (root !== await findActiveRoot(transaction)) {
    throw new Fault('custodian/unavailable', 'the root key was replaced meanwhile')
  }
  const nowMs = clock.nowMs()
  await beginLife(transaction, label, nowMs, pendingUntilMs)
  await transaction.run(
    'INSERT INTO wrapped_keys (purpose, name, wrapped, root, created_at_ms) VALUES (?, ?, ?, ?, ?)',
    label.purpose, label.name, wrapped, root, nowMs,
  )
}

/** @returns the id of the root that wraps what is new; `undefined` before the first start knew of ids */
export async function findActiveRoot(store: Reading): Promise<string | undefined> {
  return (await store.get(`SELECT name FROM key_lives WHERE purpose = 'root' AND state = 'active'`))?.['name'] as string | undefined
}

/** @throws Fault `custodian/key_unusable` where there is no such key, or the row is not what the root wrapped */
export async function unwrapKey(
  { store, root }: { readonly store: Reading; readonly root: RootKey }, label: KeyLabel,
): Promise<Secret<Uint8Array>> {
  const wrapped = await findWrapped(store, label)
  try {
    return await root.unwrap(label, wrapped)
  } catch (failure) {
    // It may have been wrapped anew, and the old root have gone, since it was read.
    const again = await findWrapped(store, label)
    if (Buffer.compare(wrapped, again) === 0) throw failure
    return root.unwrap(label, again)
  }
}

async function findWrapped(store: Reading, { purpose, name }: KeyLabel): Promise<Uint8Array> {
  const row = await store.get('SELECT wrapped FROM wrapped_keys WHERE purpose = ? AND name = ?', purpose, name)
  if (row === undefined) throw new Fault('custodian/key_unusable', `there is no wrapped key ${purpose}/${name}`)
  return row['wrapped'] as Uint8Array
}

export async function hasWrappedKeys(store: Reading): Promise<boolean> {
  return await store.get('SELECT 1 FROM wrapped_keys LIMIT 1') !== undefined
}
