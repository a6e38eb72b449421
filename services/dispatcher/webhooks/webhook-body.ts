import { paymentSchema } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import type { Delivery } from '@ngome/store'

/**
 * The body of a webhook, the same bytes at each try: the event, and the payment as its merchant sees it, masked. It is
 * held against the schema of the API once more, so that nothing else can slip into it.
 */
export function webhookBody({ event, payment }: Pick<Delivery, 'event' | 'payment'>): Uint8Array {
  const data = paymentSchema.parse({
    id: payment.id,
    object: 'payment',
    world: payment.tenant.world,
    status: payment.status,
    amount: formatMoney(payment),
    currency: payment.currency,
    network: payment.network,
    payer: { phone: payment.payerMasked },
    reference: payment.reference,
    failure: payment.failure === null ? null : { code: payment.failure },
    created_at: new Date(payment.createdAtMs).toISOString(),
    updated_at: new Date(payment.updatedAtMs).toISOString(),
  })
  return Buffer.from(JSON.stringify({ type: event.type, timestamp: new Date(event.atMs).toISOString(), data }), 'utf8')
}
