import { paymentSchema } from '@ngome/contracts'
import { paymentView } from '@ngome/payments'
import type { Delivery } from '@ngome/store'

/**
 * The body of a webhook, the same bytes at each try: the event, and the payment as its merchant sees it, masked. It is
 * held against the schema of the API once more, so that nothing else can slip into it.
 */
export function webhookBody({ event, payment }: Pick<Delivery, 'event' | 'payment'>): Uint8Array {
  const data = paymentSchema.parse(paymentView(payment))
  return Buffer.from(JSON.stringify({ type: event.type, timestamp: new Date(event.atMs).toISOString(), data }), 'utf8')
}
