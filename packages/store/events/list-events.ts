import type { Event } from '@ngome/contracts'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/** How far a reader has come; text without a meaning to the reader. */
export type EventCursor = string & { readonly __cursor: 'event' }
export type EventPage = { readonly events: readonly Event[]; readonly cursor: EventCursor }

const pageMax = 1_000

/**
 * Reads events after the cursor, oldest transaction first. Only those of transactions that are over, as are all before
 * them, so that nothing appears behind the cursor later.
 * @param after `null` to begin with the first event that is kept
 * @throws Fault `store/unavailable`
 */
export async function listEvents(
  db: Database,
  page: { readonly after: EventCursor | null; readonly limit: number },
): Promise<EventPage> {
  const [xact = '', afterId = ''] = (page.after ?? firstCursor).split(':', 2)
  const rows = await guarded(() => db.kysely.selectFrom('events')
    .select(['id', 'type', 'severity', 'at', 'process', 'merchant', 'world', 'data', 'xact'])
    .where(sql<boolean>`(xact, id) > (${xact}::xid8, ${afterId})`)
    .where(sql<boolean>`xact < pg_snapshot_xmin(pg_current_snapshot())`)
    .orderBy('xact').orderBy('id')
    .limit(Math.min(page.limit, pageMax))
    .execute())
  const last = rows.at(-1)
  return {
    events: rows.map(({ id, type, severity, at, process, merchant, world, data }) => ({
      id, type, severity, at: at.toISOString(), process, merchant, world, data: data as Event['data'],
    })),
    cursor: last === undefined ? page.after ?? firstCursor : `${last.xact}:${last.id}` as EventCursor,
  }
}

/** The cursor behind every event that is written until now, for a reader who wants to see only what comes. */
export async function currentEventCursor(db: Database): Promise<EventCursor> {
  const { rows } = await guarded(() =>
    sql<{ xmin: string }>`SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin`.execute(db.kysely))
  return `${rows[0]?.xmin ?? '0'}:` as EventCursor
}

const firstCursor = '0:' as EventCursor
