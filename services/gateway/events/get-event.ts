import { Fault } from '@ngome/kernel'
import { eventView } from '@ngome/payments'
import { findObjectEvent, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'

/** @throws Fault `events/unknown`, the same for one that never was and for another merchant's; `store/unavailable` */
export async function getEvent({ database }: { readonly database: Database }, call: Call<'getEvent'>): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const event = await findObjectEvent(database, tenant, id)
  if (event === undefined) throw new Fault('events/unknown', `no ${id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(eventView(event)) }
}
