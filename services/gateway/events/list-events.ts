import { Fault } from '@ngome/kernel'
import { eventView } from '@ngome/payments'
import { parseEventPosition, type EventPosition, type EventStore } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { readCursor, writeCursor } from '../http/cursor.ts'
import { pageSizeDefault } from '../http/limits.ts'
import { shownRows, type ListPorts } from '../http/shown-rows.ts'

/**
 * Answers what changed, the earliest first. Its cursor is never at an end: behind it comes all that changes later, and nothing comes
 * before it any more. It goes past rows of no form, also where a page has no others.
 * @throws Fault `request/invalid` where the cursor is not one that we gave this tenant for this list; `store/unavailable`
 */
export async function listEvents(
  ports: ListPorts & { readonly events: Pick<EventStore, 'listObjectEvents'> }, call: Call<'listEvents'>,
): Promise<Answer> {
  const { caller: { tenant }, query: { limit = pageSizeDefault, cursor, type = null, object = null } } = call
  const filter = JSON.stringify({ list: 'events', type, object })
  const after = cursor === undefined ? null : positionOf(readCursor(ports.cursorSecret, tenant, filter, cursor))
  const rows = await ports.events.listObjectEvents(tenant, { after, limit, type, object })
  const last = rows.at(-1)?.position ?? after
  const nextCursor = last === null ? null : writeCursor(ports.cursorSecret, tenant, { after: last, filter })
  const page = { object: 'list', data: shownRows(ports, tenant, 'event', rows.map(({ event }) => event), eventView), next_cursor: nextCursor }
  return { status: 200, contentType: jsonType, body: JSON.stringify(page) }
}

function positionOf(text: string | undefined): EventPosition {
  const position = text === undefined ? undefined : parseEventPosition(text)
  if (position !== undefined) return position
  throw new Fault('request/invalid', 'a cursor that is not ours', { fields: [{ pointer: '/cursor', detail: 'This is not a cursor of this list.' }] })
}
