import { emit } from '@ngome/contracts'
import { Fault, type Clock, type Random } from '@ngome/kernel'
import { deleteWebhookEndpoint as deleteRow, type Database } from '@ngome/store'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'

/** @throws Fault `webhooks/endpoint_unknown`, the same for one that never was and for another merchant's */
export async function deleteWebhookEndpoint(
  ports: { readonly database: Database; readonly clock: Clock; readonly random: Random },
  call: Call<'deleteWebhookEndpoint'>,
): Promise<Answer> {
  const { tenant } = call.caller
  const { id } = call.params
  const event = emit({ ...ports, process: 'gateway' }, 'webhook_endpoint.deleted', tenant, { endpoint: id })
  const outcome = await deleteRow(ports.database, tenant, id, event)
  if (outcome === 'unknown') throw new Fault('webhooks/endpoint_unknown', `no ${id} for this tenant`)
  return { status: 204 }
}
