import { Fault } from '@ngome/kernel'
import { findOwnApiKey } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { apiKeyView } from './api-key-view.ts'
import type { ReadKeysPorts } from './list-api-keys.ts'

/** @throws Fault `keys/unknown`, the same for one that never was and for another merchant's */
export async function getApiKey(ports: ReadKeysPorts, call: Call<'getApiKey'>): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const row = await findOwnApiKey(ports.database, tenant, id)
  if (row === undefined) throw new Fault('keys/unknown', `no ${id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(apiKeyView(tenant, row, ports.reminders, ports.clock.nowMs())) }
}
