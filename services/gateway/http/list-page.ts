import { Fault, type Id, type IdKind, type Tenant } from '@ngome/kernel'
import { jsonType, type Answer } from './answer.ts'
import { parseCursor, writeCursor } from './cursor.ts'
import { pageSizeDefault } from './limits.ts'
import { shownRows, type ListPorts } from './shown-rows.ts'

/**
 * Answers a page of a list, the newest first, with the cursor of the next where there is one.
 * @param of `filter`: what the list is of, so that a cursor is good for no other
 * @param read finds the rows after an id; it is asked for one more than is shown, to know of a next page
 * @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list
 */
export async function listPage<K extends IdKind, Row extends { readonly id: Id<IdKind> }>(
  of: {
    readonly kind: K
    readonly ports: ListPorts
    readonly tenant: Tenant
    readonly filter: string
    readonly cursor: string | undefined
    readonly limit: number | undefined
  },
  read: (after: Id<K> | null, limit: number) => Promise<readonly Row[]>,
  view: (row: Row) => object,
): Promise<Answer> {
  const { kind, ports, tenant, filter, cursor, limit = pageSizeDefault } = of
  const after = cursor === undefined ? null : parseCursor(kind, ports.cursorSecret, tenant, filter, cursor)
  if (after === undefined) {
    const field = { pointer: '/cursor', detail: 'This is not a cursor of this list.' }
    throw new Fault('request/invalid', 'a cursor that is not ours', { fields: [field] })
  }
  const rows = await read(after, limit + 1)
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  const nextCursor = last === undefined ? null : writeCursor(ports.cursorSecret, tenant, { after: last.id, filter })
  const page = { object: 'list', data: shownRows(ports, tenant, kind, shown, view), next_cursor: nextCursor }
  return { status: 200, contentType: jsonType, body: JSON.stringify(page) }
}
