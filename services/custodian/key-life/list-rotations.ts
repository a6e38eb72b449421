import type { CustodianResponse } from '@ngome/contracts'
import type { Custodian } from '../custodian.ts'
import { rotationOf } from './rotations.ts'

/** Rotations of an answer: those that run first, then the latest. */
const rotationsMax = 200

export async function listRotations({ store }: Custodian): Promise<CustodianResponse<'/v1/rotations'>> {
  const rows = await store.all(
    `SELECT r.*, l.due_at_ms AS ends_at_ms FROM rotations r LEFT JOIN key_lives l
       ON r.level = 'secret' AND l.purpose = 'secret' AND l.state <> 'destroyed' AND r.subject LIKE l.name || ' %'
     ORDER BY CASE r.state WHEN 'running' THEN 0 ELSE 1 END, r.started_at_ms DESC, r.id DESC LIMIT ?`,
    rotationsMax,
  )
  return {
    rotations: rows.map((row) => {
      const { id, level, subject, cause, state, total, done, startedAtMs, endedAtMs } = rotationOf(row)
      return {
        id, level, subject, cause, state, total, done,
        endsAt: row['ends_at_ms'] === null ? null : new Date(Number(row['ends_at_ms'])).toISOString(),
        startedAt: new Date(startedAtMs).toISOString(),
        endedAt: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
      }
    }),
  }
}
