import type { Event } from '@ngome/contracts'
import type { PaymentOutcome, ToldEnd } from '@ngome/store'
import type { Dispatcher } from '../dispatcher.ts'
import { isProof, proveDelivery, proveFacts } from './prove-delivery.ts'
import { webhookBody } from './webhook-body.ts'

/**
 * Proves what a webhook will say of an end, where the payment's columns are still those that were compared before it was
 * sent. A record that was refused was compared with nothing, and its webhook says just that.
 * @returns `null` where they are not: the webhook is not sent then. The end is recorded all the same.
 */
export function proveToldEnd(
  { callbacks: { secret }, logger }: Pick<Dispatcher, 'callbacks' | 'logger'>, event: Event, outcome: PaymentOutcome,
  { delivery, payment, factsProof }: ToldEnd,
): Uint8Array | null {
  const isRefused = outcome.status === 'failed' && outcome.failure === 'record_refused'
  if (!isRefused && !isProof(proveFacts(secret, payment), factsProof)) return null
  try {
    const body = webhookBody({ event: { id: event.id, type: event.type, atMs: Date.parse(event.at) }, payment })
    return proveDelivery(secret, { delivery, event: event.id, payment, body })
  } catch (error) {
    logger.error({ payment: payment.id, err: error }, 'the row of a refused record has no form that a merchant could be told')
    return null
  }
}
