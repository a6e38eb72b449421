import { emit } from '@ngome/contracts'
import { Fault, type Clock, type Random } from '@ngome/kernel'
import { changeWebhookEndpoint as changeRow, findWebhookEndpoint, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { stateTerms, type StateTermsPorts } from './state-terms.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

/**
 * States an endpoint anew and whole, so that nothing is proven that its merchant did not just say.
 * @throws Fault `webhooks/endpoint_unknown`, the same for one that never was and for another merchant's;
 * `webhooks/address_refused`, `webhooks/encryption_key_missing`, `store/unavailable`
 */
export async function changeWebhookEndpoint(
  ports: StateTermsPorts & { readonly database: Database; readonly clock: Clock; readonly random: Random },
  call: Call<'changeWebhookEndpoint'>,
): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const unknown = (): Fault => new Fault('webhooks/endpoint_unknown', `no ${id} for this tenant`)
  // First: what is not yours is answered alike, whatever else would be wrong.
  if (await findWebhookEndpoint(ports.database, tenant, id) === undefined) throw unknown()
  const terms = await stateTerms(ports, tenant, id, call.body)
  const event = emit({ ...ports, process: 'gateway' }, 'webhook_endpoint.changed', tenant, { endpoint: id, encryption: terms.encryption })
  const row = await changeRow(ports.database, tenant, id, terms, event)
  if (row === undefined) throw unknown()
  return { status: 200, contentType: jsonType, body: JSON.stringify(webhookEndpointView(row, ports.clock.nowMs())) }
}
