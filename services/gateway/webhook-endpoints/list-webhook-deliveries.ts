import { Fault } from '@ngome/kernel'
import { findWebhookEndpoint, listWebhookDeliveries as listRows, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { listPage } from '../http/list-page.ts'
import type { ListPorts } from '../http/shown-rows.ts'
import { webhookDeliveryView } from './webhook-delivery-view.ts'

/**
 * What was told to an endpoint, and what came of it.
 * @throws Fault `webhooks/endpoint_unknown`, the same for one that never was and for another merchant's; `request/invalid` where the
 * cursor is not one that we gave this tenant for this list; `store/unavailable`
 */
export async function listWebhookDeliveries(
  ports: ListPorts & { readonly database: Database }, call: Call<'listWebhookDeliveries'>,
): Promise<Answer> {
  const { caller: { tenant }, params: { id }, query: { limit, cursor, state = null } } = call
  if (await findWebhookEndpoint(ports.database, tenant, id) === undefined) throw new Fault('webhooks/endpoint_unknown', `no ${id} for this tenant`)
  return listPage(
    { kind: 'webhookDelivery', ports, tenant, filter: JSON.stringify({ endpoint: id, state }), cursor, limit },
    (after, count) => listRows(ports.database, tenant, id, { after, limit: count, state }),
    (row) => webhookDeliveryView(tenant, row),
  )
}
