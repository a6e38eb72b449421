import type { DeliveryState, ObjectEventType, WebhookEncryption } from '@ngome/contracts'
import type { DataKeyId, PaymentId, Tenant, WebhookDeliveryId, WebhookEndpointId } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { objectEventColumns, objectEventTables, toProvableEvent, type ObjectEventColumns, type ProvableEvent } from '../events/object-events.ts'
import { inTenantPrepared } from '../transaction.ts'

/** A webhook that is due: what happened, and where it is to be told. */
export type Delivery = {
  readonly id: WebhookDeliveryId
  readonly state: DeliveryState
  /** How often it was tried, since it was last replayed. */
  readonly tries: number
  /** Since when it was tried or held; `null` where it was not yet. */
  readonly triedSinceMs: number | null
  /** `null` where it was neither tried nor held yet. */
  readonly nextTryAtMs: number | null
  /** What it is of; `null` for what is no payment. */
  readonly payment: PaymentId | null
  /** `null` where there is no such event, so that there is nothing to tell. */
  readonly told: ProvableEvent | null
  readonly endpointId: WebhookEndpointId
  /** `null` where the merchant has deleted it since. */
  readonly endpoint: {
    readonly id: WebhookEndpointId
    readonly url: string
    readonly encryption: WebhookEncryption
    /** That id, address and encryption are what the merchant stated; `null` where nobody proved it. */
    readonly termsProof: Uint8Array | null
    /** Whether deliveries to it wait. */
    readonly isHeld: boolean
    readonly isDisabled: boolean
    /** `null`: what is told by default. */
    readonly eventTypes: readonly ObjectEventType[] | null
    /** The newest first. */
    readonly secrets: readonly SealedWebhookSecret[]
  } | null
}

export type SealedWebhookSecret = {
  readonly version: number
  readonly sealed: Uint8Array
  readonly dataKey: { readonly id: DataKeyId; readonly sealed: Uint8Array; readonly createdAtMs: number }
  /** When it stops to sign; `null` for the newest. */
  readonly endsAtMs: number | null
}

/** Two sign at most; more rows than this are not ours. */
const secretsMax = 2

/** @throws Fault `store/unavailable` */
export async function loadDelivery(db: Database, tenant: Tenant, id: WebhookDeliveryId): Promise<Delivery | undefined> {
  return inTenantPrepared(db, tenant, async (tx) => {
    const delivery = await tx.selectFrom('webhook_deliveries').select(['state', 'tries', 'tried_since', 'next_try_at', 'payment', 'event', 'endpoint'])
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .executeTakeFirst()
    if (delivery === undefined) return undefined
    const { rows: [event] } = await sql<ObjectEventColumns>`SELECT ${sql.raw(objectEventColumns)} FROM ${sql.raw(objectEventTables)}
      WHERE e.merchant = ${tenant.merchant} AND e.world = ${tenant.world} AND e.id = ${delivery.event}`.execute(tx)
    const endpoint = await tx.selectFrom('webhook_endpoints').select(['id', 'url', 'encryption', 'event_types', 'terms_proof', 'held_since', 'disabled_at'])
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', delivery.endpoint)
      .executeTakeFirst()
    const secrets = await tx.selectFrom('webhook_secrets as s')
      .innerJoin('data_keys as d', (join) => join
        .onRef('d.merchant', '=', 's.merchant').onRef('d.world', '=', 's.world').onRef('d.id', '=', 's.data_key'))
      .select(['s.version', 's.sealed', 's.ends_at', 's.data_key', 'd.sealed as sealed_data_key', 'd.created_at'])
      .where('s.merchant', '=', tenant.merchant).where('s.world', '=', tenant.world)
      .where('s.endpoint', '=', delivery.endpoint)
      .orderBy('s.version', 'desc').limit(secretsMax).execute()
    return {
      id,
      state: delivery.state,
      tries: delivery.tries,
      triedSinceMs: delivery.tried_since?.getTime() ?? null,
      nextTryAtMs: delivery.next_try_at?.getTime() ?? null,
      payment: delivery.payment,
      told: event === undefined ? null : toProvableEvent(tenant, event),
      endpointId: delivery.endpoint,
      endpoint: endpoint === undefined ? null : {
        id: endpoint.id,
        url: endpoint.url,
        encryption: endpoint.encryption,
        termsProof: endpoint.terms_proof,
        isHeld: endpoint.held_since !== null,
        isDisabled: endpoint.disabled_at !== null,
        eventTypes: endpoint.event_types,
        secrets: secrets.map((secret) => ({
          version: secret.version,
          sealed: secret.sealed,
          dataKey: { id: secret.data_key, sealed: secret.sealed_data_key, createdAtMs: secret.created_at.getTime() },
          endsAtMs: secret.ends_at?.getTime() ?? null,
        })),
      },
    }
  })
}
