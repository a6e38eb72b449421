import type { Event } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'
import { inPlatform } from '../transaction.ts'
import { appendEvent } from './append-event.ts'

/** How far the custodian's log has become events. */
export type CustodianLogCursor = {
  readonly sequence: number
  /** Of that row; `null` before the first. */
  readonly last: { readonly leaf: Uint8Array; readonly loggedAtMs: number } | null
  /** While a log is read again from its beginning: rows of until then were told already. */
  readonly toldUntilMs: number | null
}

/** @throws Fault `store/unavailable` */
export async function readCustodianLogCursor(db: Database): Promise<CustodianLogCursor> {
  const row = await guarded(() => db.kysely.selectFrom('custodian_log_cursor').selectAll().executeTakeFirstOrThrow())
  const { leaf, logged_at: loggedAt } = row
  return {
    sequence: Number(row.sequence),
    last: leaf === null || loggedAt === null ? null : { leaf, loggedAtMs: loggedAt.getTime() },
    toldUntilMs: row.told_until?.getTime() ?? null,
  }
}

/**
 * Writes events and moves the cursor, both or neither.
 * @returns whether it did; `false` where another dispatcher moved it first, and told what there was
 * @throws Fault `store/unavailable`
 */
export async function tellCustodianLog(
  db: Database, move: { readonly from: CustodianLogCursor; readonly to: CustodianLogCursor; readonly events: readonly Event[] },
): Promise<boolean> {
  const { from, to, events } = move
  return inPlatform(db, async (tx) => {
    const { numUpdatedRows } = await tx.updateTable('custodian_log_cursor').set({
      sequence: BigInt(to.sequence),
      leaf: to.last?.leaf ?? null,
      logged_at: to.last === null ? null : new Date(to.last.loggedAtMs),
      told_until: to.toldUntilMs === null ? null : new Date(to.toldUntilMs),
    }).where('sequence', '=', BigInt(from.sequence))
      .where('leaf', 'is not distinct from', from.last?.leaf ?? null)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    for (const event of events) await appendEvent(tx, event)
    return true
  })
}
