import type { ObjectEventType } from '@ngome/contracts'
import type { EventId, Tenant } from '@ngome/kernel'
import type { ObjectEvent } from '@ngome/payments'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { objectEventColumns, objectEventTables, toProvableEvent, type ObjectEventColumns } from './object-events.ts'

/** Where an event stands in its tenant's order; text without a meaning to the reader. */
export type EventPosition = string & { readonly __position: 'event' }
export type ObjectEventRow = { readonly event: ObjectEvent; readonly position: EventPosition }

/** The most that one page holds. */
const rowsMax = 100
const positionPattern = /^[0-9]{1,20}:[0-9]{1,19}$/

export function parseEventPosition(text: string): EventPosition | undefined {
  return positionPattern.test(text) ? text as EventPosition : undefined
}

/**
 * Lists a tenant's events, the earliest first: all that there ever will be up to the last one listed. An event is listed when every
 * transaction that could still write one before it has ended (ADR 30).
 * @param page `after`: the position of the last one listed, or `null`; `type`, `object`: only of these, or `null`
 * @throws Fault `store/unavailable`
 */
export async function listObjectEvents(
  db: Database, tenant: Tenant,
  page: { readonly after: EventPosition | null; readonly limit: number; readonly type: ObjectEventType | null; readonly object: string | null },
): Promise<readonly ObjectEventRow[]> {
  const [position, number] = (page.after ?? '0:0').split(':', 2)
  const filters = [page.type === null ? '' : 'AND e.type = $6', page.object === null ? '' : `AND e.object = ${page.type === null ? '$6' : '$7'}`]
  const [result] = await pipelined(db, tenant, [{
    name: `list_object_events${page.type === null ? '' : '_type'}${page.object === null ? '' : '_object'}`,
    text: `SELECT ${objectEventColumns} FROM ${objectEventTables}
      WHERE e.merchant = $1 AND e.world = $2 AND (e.position, e.number) > ($3::xid8, $4::bigint)
        AND e.position < pg_snapshot_xmin(pg_current_snapshot()) ${filters.join(' ')}
      ORDER BY e.position, e.number LIMIT $5`,
    values: [tenant.merchant, tenant.world, position, number, Math.min(page.limit, rowsMax), ...[page.type, page.object].filter((one) => one !== null)],
  }])
  return (result?.rows ?? []).map((row) => toRow(tenant, row as ObjectEventColumns))
}

/** @returns `undefined` for one that never was and for another tenant's. @throws Fault `store/unavailable` */
export async function findObjectEvent(db: Database, tenant: Tenant, id: EventId): Promise<ObjectEvent | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_object_event',
    text: `SELECT ${objectEventColumns} FROM ${objectEventTables}
      WHERE e.merchant = $1 AND e.world = $2 AND e.id = $3 AND e.position < pg_snapshot_xmin(pg_current_snapshot())`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const [row] = result?.rows ?? []
  return row === undefined ? undefined : toRow(tenant, row as ObjectEventColumns).event
}

function toRow(tenant: Tenant, row: ObjectEventColumns): ObjectEventRow {
  return { event: toProvableEvent(tenant, row).event, position: `${row.position}:${row.number}` as EventPosition }
}
