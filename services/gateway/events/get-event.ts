import { Fault } from '@ngome/kernel'
import { eventView } from '@ngome/payments'
import { findObjectEvent, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { shownRows, type ListPorts } from '../http/shown-rows.ts'

/** @throws Fault `events/unknown`, the same for one that never was, for another merchant's and for a row that is no event; `store/unavailable` */
export async function getEvent(
  ports: Pick<ListPorts, 'onFormless'> & { readonly database: Database }, call: Call<'getEvent'>,
): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const event = await findObjectEvent(ports.database, tenant, id)
  const [view] = shownRows(ports, tenant, 'event', event === undefined ? [] : [event], eventView)
  if (view === undefined) throw new Fault('events/unknown', `no ${id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(view) }
}
