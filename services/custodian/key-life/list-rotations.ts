import type { CustodianResponse } from '@ngome/contracts'
import type { Custodian } from '../custodian.ts'
import { rotationOf } from './rotations.ts'

/** Rotations of an answer: those that run first, then the latest. */
const rotationsMax = 200

export async function listRotations({ store }: Custodian): Promise<CustodianResponse<'/v1/rotations'>> {
  const rows = await store.all(
    `SELECT * FROM rotations ORDER BY CASE state WHEN 'running' THEN 0 ELSE 1 END, started_at_ms DESC, id DESC LIMIT ?`,
    rotationsMax,
  )
  return {
    rotations: rows.map((row) => {
      const { id, level, subject, cause, state, total, done, startedAtMs, endedAtMs } = rotationOf(row)
      return {
        id, level, subject, cause, state, total, done,
        startedAt: new Date(startedAtMs).toISOString(),
        endedAt: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
      }
    }),
  }
}
