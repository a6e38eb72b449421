import type { Clock } from '@ngome/kernel'
import { listWebhookEndpoints as listRows, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { shownRows, type ListPorts } from '../http/shown-rows.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

export async function listWebhookEndpoints(
  ports: Pick<ListPorts, 'onFormless'> & { readonly database: Database; readonly clock: Clock }, call: Call<'listWebhookEndpoints'>,
): Promise<Answer> {
  const rows = await listRows(ports.database, call.caller.tenant)
  const nowMs = ports.clock.nowMs()
  const data = shownRows(ports, call.caller.tenant, 'webhookEndpoint', rows, (row) => webhookEndpointView(row, nowMs))
  const page = { object: 'list', data, next_cursor: null }
  return { status: 200, contentType: jsonType, body: JSON.stringify(page) }
}
