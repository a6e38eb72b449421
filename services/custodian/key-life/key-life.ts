import type { KeyState } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import type { Reading, Row, Transaction } from '../store/store.ts'
import { assertTransition, stateColumns } from './key-states.ts'

/** Names a key for its record: as in `wrapped_keys`, or `root` and the root's id. */
export type LifeLabel = { readonly purpose: string; readonly name: string }

export type KeyLife = LifeLabel & {
  readonly state: KeyState
  readonly createdAtMs: number
  readonly activeAtMs: number | null
  readonly decryptOnlyAtMs: number | null
  readonly compromisedAtMs: number | null
  readonly destroyedAtMs: number | null
  /** When time itself moves it on; `null` where only somebody does. */
  readonly dueAtMs: number | null
}

/** Begins the record of a key, pending until `dueAtMs` or active at once. */
export async function beginLife(
  transaction: Transaction, { purpose, name }: LifeLabel, nowMs: number, pendingUntilMs: number | null = null,
): Promise<void> {
  const isActive = pendingUntilMs === null
  await transaction.run(
    'INSERT INTO key_lives (purpose, name, state, created_at_ms, active_at_ms, due_at_ms) VALUES (?, ?, ?, ?, ?, ?)',
    purpose, name, isActive ? 'active' : 'pending', nowMs, isActive ? nowMs : null, pendingUntilMs,
  )
}

export async function findLife(store: Reading, { purpose, name }: LifeLabel): Promise<KeyLife | undefined> {
  const row = await store.get('SELECT * FROM key_lives WHERE purpose = ? AND name = ?', purpose, name)
  return row === undefined ? undefined : lifeOf(row)
}

/**
 * Moves a key to its next state, if that may follow, and dates it.
 * @param dueAtMs when time moves it further
 * @throws Fault `custodian/key_unusable` where it may not, or there is no such key
 */
export async function moveKey(
  transaction: Transaction, label: LifeLabel,
  { to, nowMs, dueAtMs = null }: {
    readonly to: Exclude<KeyState, 'pending'>; readonly nowMs: number; readonly dueAtMs?: number | null
  },
): Promise<void> {
  const life = await findLife(transaction, label)
  if (life === undefined) throw new Fault('custodian/key_unusable', `no key ${label.purpose}/${label.name} is on record`)
  assertTransition(life.state, to)
  await transaction.run(
    `UPDATE key_lives SET state = ?, ${stateColumns[to]} = ?, due_at_ms = ? WHERE purpose = ? AND name = ?`,
    to, nowMs, dueAtMs, label.purpose, label.name,
  )
}

export function lifeOf(row: Row): KeyLife {
  const dateOf = (column: string): number | null => (row[column] === null ? null : Number(row[column]))
  return {
    purpose: String(row['purpose']),
    name: String(row['name']),
    state: row['state'] as KeyState,
    createdAtMs: Number(row['created_at_ms']),
    activeAtMs: dateOf('active_at_ms'),
    decryptOnlyAtMs: dateOf('decrypt_only_at_ms'),
    compromisedAtMs: dateOf('compromised_at_ms'),
    destroyedAtMs: dateOf('destroyed_at_ms'),
    dueAtMs: dateOf('due_at_ms'),
  }
}
