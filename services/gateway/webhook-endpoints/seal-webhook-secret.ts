import type { Clock, Random, Secret, Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '@ngome/store'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal } from '../keys/seal.ts'

/**
 * Seals an endpoint's secret of one version, so that it opens as no other.
 * @throws Fault `custodian/unavailable`, `store/unavailable`
 */
export async function sealWebhookSecret(
  ports: { readonly database: Database; readonly dataKeys: DataKeys; readonly clock: Clock; readonly random: Random },
  tenant: Tenant, endpoint: WebhookEndpointId, version: number, secret: Secret<string>,
): ReturnType<typeof seal> {
  return seal(
    ports, 'credential', { tenant, table: 'webhook_endpoints', recordId: endpoint, dataClass: 'restricted', version },
    secret.expose((text) => Buffer.from(text, 'utf8')),
  )
}
