import type { DifferenceKind } from '@ngome/contracts'
import type { Currency, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

export type NetworkReportRow = {
  readonly id: string; readonly network: string; readonly world: World; readonly form: string; readonly digest: string; readonly movements: number
  readonly fromMs: number; readonly toMs: number; readonly beganBy: string; readonly beganAtMs: number
  /** Not whole: its import was stopped, and goes on where the same file is imported again. */
  readonly isWhole: boolean
}

export type ReconciliationSummary = {
  readonly reports: readonly NetworkReportRow[]
  /** Movements of a network by what matching found of them. */
  readonly movements: readonly { readonly network: string; readonly world: World; readonly verdict: string; readonly count: number }[]
  /** Differences that are not worked off, and by how much more the networks owe us than our books have. */
  readonly open: readonly {
    readonly network: string; readonly world: World; readonly kind: DifferenceKind; readonly currency: Currency; readonly count: number
    readonly deltaMinor: bigint
  }[]
}

/** As many reports as somebody looks at, the newest first. */
const reportsMax = 50

/** @param db opened as operator or auditor @throws Fault `store/unavailable` */
export async function readReconciliation(db: Database): Promise<ReconciliationSummary> {
  const reports = await guarded(() => db.pool.query<Record<string, unknown>>(
    `SELECT r.*, EXISTS (SELECT FROM ngome.network_report_ends e WHERE e.report = r.id) AS is_whole FROM ngome.network_reports r ORDER BY r.id DESC LIMIT $1`,
    [reportsMax]))
  const movements = await guarded(() => db.pool.query<{ network: string; network_world: World; verdict: string; count: bigint }>(
    `SELECT network, network_world, coalesce(verdict, 'not judged') AS verdict, count(*) AS count FROM ngome.network_movements GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`))
  const open = await guarded(() => db.pool.query<{
    network: string; network_world: World; kind: DifferenceKind; currency: Currency; count: bigint; delta: string
  }>(`SELECT d.network, d.network_world, d.kind, d.currency, count(*) AS count, sum(d.delta_minor)::text AS delta FROM ngome.reconciliation_differences d
      WHERE NOT EXISTS (SELECT FROM ngome.reconciliation_steps s WHERE s.difference = d.number AND s.is_end)
      GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`))
  return {
    reports: reports.rows.map((row) => ({
      id: (row['id'] as bigint).toString(), network: row['network'] as string, world: row['network_world'] as World, form: row['form'] as string,
      digest: (row['digest'] as Buffer).toString('hex'), movements: Number(row['movements']), fromMs: (row['from_at'] as Date).getTime(),
      toMs: (row['to_at'] as Date).getTime(), beganBy: row['began_by'] as string, beganAtMs: (row['began_at'] as Date).getTime(),
      isWhole: row['is_whole'] as boolean,
    })),
    movements: movements.rows.map(({ network, network_world, verdict, count }) => ({ network, world: network_world, verdict, count: Number(count) })),
    open: open.rows.map(({ network, network_world, kind, currency, count, delta }) => (
      { network, world: network_world, kind, currency, count: Number(count), deltaMinor: BigInt(delta) })),
  }
}
