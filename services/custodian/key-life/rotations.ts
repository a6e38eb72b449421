import type { RotationLevel } from '@ngome/contracts'
import type { RotationId } from '@ngome/kernel'
import type { Reading, Row, Transaction } from '../store/store.ts'

/** Why: somebody asked, its time had come, it is known to others, or a key below was destroyed. */
export type RotationCause = 'demand' | 'policy' | 'compromise' | 'destruction'

export type Rotation = {
  readonly id: RotationId
  readonly level: RotationLevel
  readonly subject: string
  readonly cause: RotationCause
  readonly state: 'running' | 'done'
  /** Keys to replace or to wrap anew, as counted at the beginning, and how many are. */
  readonly total: number
  readonly done: number
  readonly startedAtMs: number
  readonly endedAtMs: number | null
}

export async function insertRotation(
  transaction: Transaction, rotation: Pick<Rotation, 'id' | 'level' | 'subject' | 'cause' | 'total' | 'startedAtMs'>,
): Promise<void> {
  await transaction.run(
    `INSERT INTO rotations (id, level, subject, cause, state, total, done, started_at_ms)
     VALUES (?, ?, ?, ?, 'running', ?, 0, ?)`,
    rotation.id, rotation.level, rotation.subject, rotation.cause, rotation.total, rotation.startedAtMs,
  )
}

export async function countDone(transaction: Transaction, id: RotationId, keys: number): Promise<void> {
  await transaction.run('UPDATE rotations SET done = done + ? WHERE id = ?', keys, id)
}

export async function setDone(transaction: Transaction, id: RotationId, keys: number): Promise<void> {
  await transaction.run('UPDATE rotations SET done = ? WHERE id = ?', keys, id)
}

export async function endRotation(transaction: Transaction, id: RotationId, nowMs: number): Promise<void> {
  await transaction.run(`UPDATE rotations SET state = 'done', ended_at_ms = ? WHERE id = ?`, nowMs, id)
}

/** @returns the rotation of the root that is under way */
export async function findRunningRootRotation(store: Reading): Promise<Rotation | undefined> {
  const row = await store.get(`SELECT * FROM rotations WHERE state = 'running' AND level = 'root'`)
  return row === undefined ? undefined : rotationOf(row)
}

export function rotationOf(row: Row): Rotation {
  return {
    id: row['id'] as RotationId,
    level: row['level'] as RotationLevel,
    subject: String(row['subject']),
    cause: row['cause'] as RotationCause,
    state: row['state'] as Rotation['state'],
    total: Number(row['total']),
    done: Number(row['done']),
    startedAtMs: Number(row['started_at_ms']),
    endedAtMs: row['ended_at_ms'] === null ? null : Number(row['ended_at_ms']),
  }
}
