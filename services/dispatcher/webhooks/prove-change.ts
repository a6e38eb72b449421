import { proveEvent } from '@ngome/payments'
import type { ProveChange } from '@ngome/store'
import type { Dispatcher } from '../dispatcher.ts'
import { isProof, proveFacts } from './prove-facts.ts'

/**
 * Proves what webhooks will say of a payment's change, where the payment's columns are still those that were compared before it was
 * sent. A record that was refused was compared with nothing, and its webhook says just that. Where they are not, no webhook tells of
 * the change; it is recorded all the same.
 */
export function changeProver({ callbacks: { secret }, logger }: Pick<Dispatcher, 'callbacks' | 'logger'>): ProveChange {
  return (event, factsProof) => {
    if (event.kind !== 'movement') return null
    const isRefused = event.facts.failure === 'record_refused'
    if (!isRefused && !isProof(proveFacts(secret, { ...event.movement, tenant: event.tenant }), factsProof)) return null
    try {
      return proveEvent(secret, event)
    } catch (error) {
      logger.error({ payment: event.movement.id, err: error }, 'the row of a refused record has no form that a merchant could be told')
      return null
    }
  }
}
