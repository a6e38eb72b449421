import { emit } from '@ngome/contracts'
import { Fault, type Clock, type Random, type Secret } from '@ngome/kernel'
import { proveEvent } from '@ngome/payments'
import { enableWebhookEndpoint as enableRow, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

/** @throws Fault `webhooks/endpoint_unknown`, the same for one that never was and for another merchant's; `store/unavailable` */
export async function enableWebhookEndpoint(
  ports: { readonly database: Database; readonly clock: Clock; readonly random: Random; readonly eventSecret: Secret<Uint8Array> },
  call: Call<'enableWebhookEndpoint'>,
): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const nowMs = ports.clock.nowMs()
  const event = emit({ ...ports, process: 'gateway' }, 'webhook_endpoint.enabled', tenant, { endpoint: id })
  const row = await enableRow(ports.database, tenant, id, nowMs, event, (told) => proveEvent(ports.eventSecret, told))
  if (row === undefined) throw new Fault('webhooks/endpoint_unknown', `no ${id} for this tenant`)
  return { status: 200, contentType: jsonType, body: JSON.stringify(webhookEndpointView(row, nowMs)) }
}
