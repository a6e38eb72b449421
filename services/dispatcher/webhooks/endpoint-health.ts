import { emit } from '@ngome/contracts'
import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import { proveEvent } from '@ngome/payments'
import type { EndpointHealthRules } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'

/**
 * What follows for an endpoint that never answers: its merchant and the operator are told, and in the end nothing goes to it.
 * @param url as its merchant stated it, proven; `null` where nobody looked
 */
export function healthRules(
  dispatcher: Pick<Dispatcher, 'clock' | 'random' | 'callbacks' | 'webhooks'>, tenant: Tenant, endpoint: WebhookEndpointId, url: string | null,
): EndpointHealthRules {
  const { warnAfterMs, disableAfterMs, disableAfterTries } = dispatcher.webhooks
  return {
    warnAfterMs, disableAfterMs, disableAfterTries,
    event: (kind) => emit(eventSource(dispatcher), `webhook_endpoint.${kind}`, tenant, { endpoint }),
    prove: (event) => event.kind === 'endpoint' && event.facts.url === url ? proveEvent(dispatcher.callbacks.secret, event) : null,
  }
}
