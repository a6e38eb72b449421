import type { Event } from '@ngome/contracts'
import { idOf, idRandomBytes, type MerchantId, type World } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inPlatform } from '../transaction.ts'

/** What matching found that was not known before. */
export type Matching = {
  readonly judged: number
  readonly opened: number
  /** Payments that the dispatcher asks about now, because a report says how they ended. */
  readonly asked: number
}

export type ReportedNetwork = { readonly network: string; readonly world: World }

/** Each well within a statement's time. */
const movementsAtOnce = 1_000
const paymentsAtOnce = 5_000
/** A payment may be under way for so long before it is in a report: for as long as the custodian opens it, and a day of the network's. */
const longestWayMs = 5 * 86_400_000
const idKinds = ['payment', 'payout', 'refund'] as const
const [lowest, highest] = [new Uint8Array(idRandomBytes), new Uint8Array(idRandomBytes).fill(255)]

/**
 * Judges all movements of a network that are not settled, and looks for payments that no report has. The same again finds nothing new;
 * it goes on from wherever it was stopped.
 * @param eventOf the event that tells of what was found, where something was
 * @throws Fault `store/unavailable`
 */
export async function matchReports(
  db: Database, of: ReportedNetwork, now: { nowMs(): number }, eventOf: (found: Matching) => Event, onProgress?: (judged: number) => void,
): Promise<Matching> {
  let found: Matching = { judged: 0, opened: 0, asked: 0 }
  for (let position: bigint | null = 0n; position !== null;) {
    const row: MovementsStep = await oneStep(db, sql`
      SELECT * FROM ngome.match_movements(${of.network}, ${of.world}, ${position}, ${movementsAtOnce}, ${new Date(now.nowMs())})`)
    found = { judged: found.judged + Number(row.judged), opened: found.opened + Number(row.opened), asked: found.asked + Number(row.asked) }
    position = row.last_position
    onProgress?.(found.judged)
  }
  found = { ...found, opened: found.opened + await findMissing(db, of, now) }
  if (found.opened > 0) await inPlatform(db, (tx) => appendEvent(tx, eventOf(found)))
  if (found.asked > 0) db.wake('payment-enquire')
  return found
}

/** Payments that succeeded by us and that no report of their time has. @returns how many were not known of */
async function findMissing(db: Database, of: ReportedNetwork, now: { nowMs(): number }): Promise<number> {
  const covered = await coveredTime(db, of)
  if (covered === undefined) return 0
  const { rows: merchants } = await db.pool.query<{ merchant: MerchantId }>('SELECT merchant FROM ngome.merchants_of_network($1, $2)', [of.network, of.world])
  let opened = 0
  for (const { merchant } of merchants) {
    for (const kind of idKinds) {
      const to = idOf(kind, covered.toMs, highest, 0)
      for (let after: string | null = idOf(kind, Math.max(0, covered.fromMs - longestWayMs), lowest, 0); after !== null;) {
        const row: { last_id: string | null; opened: bigint } = await oneStep(db, sql`SELECT * FROM ngome.match_payments(${merchant}, ${of.world},
          ${of.network}, ${after}, ${to}, ${paymentsAtOnce}, ${new Date(now.nowMs())})`)
        opened += Number(row.opened)
        after = row.last_id
      }
    }
  }
  return opened
}

async function coveredTime(db: Database, { network, world }: ReportedNetwork): Promise<{ readonly fromMs: number; readonly toMs: number } | undefined> {
  const { rows: [row] } = await db.pool.query<{ from_at: Date | null; to_at: Date | null }>(
    'SELECT min(from_at) AS from_at, max(to_at) AS to_at FROM ngome.network_reports WHERE network = $1 AND network_world = $2', [network, world])
  const [fromMs, toMs] = [row?.from_at?.getTime(), row?.to_at?.getTime()]
  return fromMs === undefined || toMs === undefined ? undefined : { fromMs, toMs }
}

type MovementsStep = { last_position: bigint | null; judged: bigint; opened: bigint; asked: bigint }

async function oneStep<Row>(db: Database, statement: ReturnType<typeof sql>): Promise<Row> {
  return inPlatform(db, async (tx) => {
    const { rows: [row] } = await statement.execute(tx)
    if (row === undefined) throw new TypeError('a function without a set answers with one row')
    return row as Row
  })
}
