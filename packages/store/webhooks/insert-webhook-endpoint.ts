import type { Event, ObjectEventType, WebhookEncryption } from '@ngome/contracts'
import { Fault, type DataKeyId, type Tenant, type WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'
import type { Statement } from '../statement.ts'
import { errorCode, uniqueViolation, violatedConstraint } from '../store-fault.ts'
import { insertSecretStatement } from './insert-secret-statement.ts'

export type NewWebhookEndpoint = {
  readonly id: WebhookEndpointId
  readonly url: string
  readonly encryption: WebhookEncryption
  /** What it is told of; `null`: what is told by default. */
  readonly eventTypes: readonly ObjectEventType[] | null
  /** That all of the above is what its merchant stated. */
  readonly termsProof: Uint8Array
  readonly dataKey: DataKeyId
  readonly sealedSecret: Uint8Array
  readonly createdAtMs: number
}

/** As many as the database has slots for (`webhook_endpoints.slot`). */
export const webhookEndpointsMax = 10

/**
 * Adds an endpoint. The answer in `idempotency` is what a repetition gets, and it must not carry the secret: the secret
 * is shown once, and a merchant who lost that answer deletes the endpoint and makes another.
 * @throws Fault `webhooks/too_many`, `store/unavailable`
 */
export async function insertWebhookEndpoint(
  db: Database,
  input: {
    readonly tenant: Tenant
    readonly endpoint: NewWebhookEndpoint
    readonly event: Event
    readonly idempotency: IdempotencyClaim
  },
): Promise<IdempotentOutcome> {
  const { tenant, endpoint, event, idempotency } = input
  // Two creations at once may choose the same free slot; each further try sees the other's.
  for (let attempt = 1; ; attempt++) {
    try {
      return await withIdempotency(db, tenant, idempotency, endpoint.createdAtMs, [
        endpointStatement(tenant, endpoint),
        insertSecretStatement(tenant, { ...endpoint, endpoint: endpoint.id, version: 1, sealed: endpoint.sealedSecret }),
        appendEventStatement(event),
      ])
    } catch (error) {
      // With every slot taken the statement offers the first number past them, which the table's check refuses.
      if (violatedConstraint(error) === 'webhook_endpoints_slot_check') {
        throw new Fault('webhooks/too_many', 'no free slot', { cause: error })
      }
      const isRace = errorCode(error) === uniqueViolation && violatedConstraint(error) === 'webhook_endpoints_slot'
      if (!isRace || attempt === webhookEndpointsMax) throw error
    }
  }
}

function endpointStatement(tenant: Tenant, endpoint: NewWebhookEndpoint): Statement {
  return {
    name: 'insert_webhook_endpoint',
    text: `INSERT INTO ngome.webhook_endpoints (id, merchant, world, slot, url, encryption, event_types, terms_proof, created_at)
      SELECT $1, $2, $3, min(free.slot), $4, $5, $6, $7, $8
      FROM generate_series(1, ${webhookEndpointsMax + 1}) AS free (slot)
      WHERE NOT EXISTS (
        SELECT FROM ngome.webhook_endpoints e WHERE e.merchant = $2 AND e.world = $3 AND e.slot = free.slot
      )`,
    values: [endpoint.id, tenant.merchant, tenant.world, endpoint.url, endpoint.encryption, endpoint.eventTypes, endpoint.termsProof,
      new Date(endpoint.createdAtMs)],
  }
}
