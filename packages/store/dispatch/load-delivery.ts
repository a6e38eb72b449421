import type { DeliveryState, EventType, WebhookEncryption } from '@ngome/contracts'
import type { DataKeyId, EventId, Tenant, WebhookDeliveryId, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { toPaymentRow, type PaymentRow } from '../payments/find-payment.ts'
import { inTenant } from '../transaction.ts'

/** A webhook that is due: what happened, to which payment, and where it is to be told. */
export type Delivery = {
  readonly id: WebhookDeliveryId
  readonly state: DeliveryState
  /** How often it was tried. */
  readonly tries: number
  readonly createdAtMs: number
  /** What its end proved of it; `null` where it proved nothing, and then nothing is to be told. */
  readonly proof: Uint8Array | null
  readonly event: { readonly id: EventId; readonly type: EventType; readonly atMs: number }
  readonly payment: PaymentRow
  /** `null` where the merchant has deleted it since. */
  readonly endpoint: {
    readonly id: WebhookEndpointId
    readonly url: string
    readonly encryption: WebhookEncryption
    /** That id, address and encryption are what the merchant stated; `null` where nobody proved it. */
    readonly termsProof: Uint8Array | null
    /** Whether deliveries to it wait. */
    readonly isHeld: boolean
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
  return inTenant(db, tenant, async (tx) => {
    const delivery = await tx.selectFrom('webhook_deliveries').selectAll()
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .executeTakeFirst()
    if (delivery === undefined) return undefined
    const payment = await tx.selectFrom('payments').selectAll()
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', delivery.payment)
      .executeTakeFirstOrThrow()
    const endpoint = await tx.selectFrom('webhook_endpoints').select(['id', 'url', 'encryption', 'terms_proof', 'held_since'])
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
      createdAtMs: delivery.created_at.getTime(),
      proof: delivery.proof,
      event: { id: delivery.event, type: delivery.event_type, atMs: delivery.event_at.getTime() },
      payment: toPaymentRow(payment),
      endpoint: endpoint === undefined ? null : {
        id: endpoint.id,
        url: endpoint.url,
        encryption: endpoint.encryption,
        termsProof: endpoint.terms_proof,
        isHeld: endpoint.held_since !== null,
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
