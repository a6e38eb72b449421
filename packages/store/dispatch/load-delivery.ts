import type { EventType } from '@ngome/contracts'
import type { DataKeyId, EventId, Tenant, WebhookDeliveryId, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { toPaymentRow, type PaymentRow } from '../payments/find-payment.ts'
import type { DeliveryState } from '../tables.ts'
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
    readonly sealedSecret: Uint8Array
    readonly dataKey: { readonly id: DataKeyId; readonly sealed: Uint8Array; readonly createdAtMs: number }
  } | null
}

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
    const endpoint = await tx.selectFrom('webhook_endpoints as e')
      .innerJoin('data_keys as d', (join) => join
        .onRef('d.merchant', '=', 'e.merchant').onRef('d.world', '=', 'e.world').onRef('d.id', '=', 'e.data_key'))
      .select(['e.id', 'e.url', 'e.sealed_secret', 'e.data_key', 'd.sealed', 'd.created_at'])
      .where('e.merchant', '=', tenant.merchant).where('e.world', '=', tenant.world)
      .where('e.id', '=', delivery.endpoint)
      .executeTakeFirst()
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
        sealedSecret: endpoint.sealed_secret,
        dataKey: { id: endpoint.data_key, sealed: endpoint.sealed, createdAtMs: endpoint.created_at.getTime() },
      },
    }
  })
}
