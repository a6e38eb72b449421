import type { ForwardFailure, ForwardStatus } from '@ngome/contracts'
import type { ForwardId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** A forward as its merchant may see it; the answer is encrypted. */
export type ForwardRow = {
  readonly id: ForwardId
  readonly tenant: Tenant
  readonly status: ForwardStatus
  readonly failure: ForwardFailure | null
  readonly answer: Uint8Array | null
  readonly createdAtMs: number
  readonly endedAtMs: number | null
}

type Columns = {
  readonly status: ForwardStatus
  readonly failure: ForwardFailure | null
  readonly answer: Uint8Array | null
  readonly created_at: Date
  readonly ended_at: Date | null
}

/** @throws Fault `store/unavailable` */
export async function findForward(db: Database, tenant: Tenant, id: ForwardId): Promise<ForwardRow | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_forward',
    text: `SELECT status, failure, answer, created_at, ended_at FROM ngome.forwards
      WHERE merchant = $1 AND world = $2 AND id = $3`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const row = result?.rows[0] as Columns | undefined
  if (row === undefined) return undefined
  const { status, failure, answer } = row
  return { id, tenant, status, failure, answer, createdAtMs: row.created_at.getTime(), endedAtMs: row.ended_at?.getTime() ?? null }
}
