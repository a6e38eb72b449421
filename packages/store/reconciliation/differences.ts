import type { DifferenceKind, DifferenceStep, Event } from '@ngome/contracts'
import { Fault, type Currency, type MerchantId, type PaymentId, type World } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { errorCode, guarded } from '../store-fault.ts'
import type { Tables } from '../tables.ts'
import { inPlatform } from '../transaction.ts'

export type DifferenceTrail = {
  readonly step: number; readonly what: DifferenceStep; readonly byWhom: string; readonly note: string | null; readonly adjustment: string | null
  readonly atMs: number
}

/** A difference with what the network said, and whose it is where that is known. */
export type Difference = {
  readonly number: number
  readonly network: string
  readonly world: World
  readonly kind: DifferenceKind
  readonly merchant: MerchantId | null
  readonly payment: PaymentId | null
  /** Minor units: by how much more the network owes us than our books have. */
  readonly deltaMinor: bigint
  readonly currency: Currency
  readonly foundAtMs: number
  /** What was done last. */
  readonly state: DifferenceStep
  readonly isEnded: boolean
  readonly movement: {
    readonly report: string; readonly line: number; readonly occurredAtMs: number; readonly direction: string; readonly status: string; readonly amountMinor: bigint
    readonly reference: string | null; readonly networkReference: string
  } | null
}

export type DifferenceFilter = {
  readonly network?: string | undefined; readonly world?: World | undefined; readonly kind?: DifferenceKind | undefined; readonly number?: number
  /** Those that are worked off as well. */
  readonly all?: boolean; readonly after: number; readonly limit: number
}

/** Differences in the order in which they were found. @param db opened as operator or auditor @throws Fault `store/unavailable` */
export async function listDifferences(db: Database, filter: DifferenceFilter): Promise<readonly Difference[]> {
  const { rows } = await guarded(() => db.pool.query<Record<string, unknown>>(
    `SELECT d.number, d.network, d.network_world, d.kind, d.merchant, d.payment, d.delta_minor, d.currency, d.found_at, last.what, last.is_end,
        m.report, w.line, m.occurred_at, m.direction, m.status, m.amount_minor, coalesce(m.reference::text, m.payment_named) AS reference, m.network_reference
      FROM ngome.reconciliation_differences d
        CROSS JOIN LATERAL (SELECT s.what, s.is_end FROM ngome.reconciliation_steps s WHERE s.difference = d.number ORDER BY s.step DESC LIMIT 1) last
        LEFT JOIN ngome.network_movements m ON m.position = d.movement
        LEFT JOIN ngome.network_report_rows w ON w.report = m.report AND w.number = m.number
      WHERE d.number > $1 AND ($2::text IS NULL OR d.network = $2) AND ($3::text IS NULL OR d.network_world = $3) AND ($4::text IS NULL OR d.kind = $4)
        AND ($5::bigint IS NULL OR d.number = $5) AND ($6 OR NOT last.is_end)
      ORDER BY d.number LIMIT $7`,
    [filter.after, filter.network ?? null, filter.world ?? null, filter.kind ?? null, filter.number ?? null, filter.all ?? false, filter.limit]))
  return rows.map(differenceOf)
}

function differenceOf(row: Record<string, unknown>): Difference {
  return {
    number: Number(row['number']), network: row['network'] as string, world: row['network_world'] as World, kind: row['kind'] as DifferenceKind,
    merchant: row['merchant'] as MerchantId | null, payment: row['payment'] as PaymentId | null, deltaMinor: row['delta_minor'] as bigint,
    currency: row['currency'] as Currency, foundAtMs: (row['found_at'] as Date).getTime(), state: row['what'] as DifferenceStep, isEnded: row['is_end'] as boolean,
    movement: row['report'] === null ? null : {
      report: (row['report'] as bigint).toString(), line: Number(row['line']), occurredAtMs: (row['occurred_at'] as Date).getTime(),
      direction: row['direction'] as string, status: row['status'] as string, amountMinor: row['amount_minor'] as bigint,
      reference: row['reference'] as string | null, networkReference: row['network_reference'] as string,
    },
  }
}

/** All that was done about it, from the beginning. @throws Fault `store/unavailable` */
export async function readDifferenceTrail(db: Database, number: number): Promise<readonly DifferenceTrail[]> {
  const rows = await guarded(() => db.kysely.selectFrom('reconciliation_steps').selectAll().where('difference', '=', BigInt(number)).orderBy('step').execute())
  return rows.map(({ step, what, by_whom, note, adjustment, at }) => ({ step, what, byWhom: by_whom, note, adjustment, atMs: at.getTime() }))
}

/** What a person does about a difference that is not ended. */
export type NewDifferenceStep = {
  readonly difference: number
  readonly what: 'explained' | 'asked' | 'resolved'
  readonly byWhom: string
  readonly note: string
  readonly atMs: number
}

/**
 * Writes it into the trail; `asked` makes the dispatcher ask the network now.
 * @throws Fault `reconciliation/not_open` where the difference is ended, or there is nothing to ask about; `store/unavailable`
 */
export async function takeDifferenceStep(db: Database, step: NewDifferenceStep, event: Event): Promise<void> {
  await inPlatform(db, async (tx) => {
    await writeStep(tx, { ...step, adjustment: null })
    await appendEvent(tx, event)
  })
  if (step.what === 'asked') db.wake('payment-enquire')
}

export type WrittenStep = Omit<NewDifferenceStep, 'what'> & { readonly what: NewDifferenceStep['what'] | 'suspended'; readonly adjustment: string | null }

/** In the caller's transaction. @throws Fault `reconciliation/not_open` */
export async function writeStep(tx: Transaction<Tables>, { difference, what, byWhom, note, adjustment, atMs }: WrittenStep): Promise<void> {
  try {
    await sql`SELECT ngome.take_difference_step(${difference}, ${what}, ${byWhom}, ${note}, ${adjustment}, ${new Date(atMs)})`.execute(tx)
  } catch (error) {
    if (errorCode(error) !== 'NG045') throw error
    throw new Fault('reconciliation/not_open', `difference ${difference} takes no such step`, { cause: error })
  }
}
