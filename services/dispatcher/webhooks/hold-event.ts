import { emit, type Event, type WebhookHoldReason } from '@ngome/contracts'
import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import { eventSource, type Dispatcher } from '../dispatcher.ts'

/** What the operator hears of an endpoint that nothing may be sent to: an alarm where its row was changed by somebody else. */
export function holdEvent(
  dispatcher: Pick<Dispatcher, 'clock' | 'random'>, tenant: Tenant, endpoint: WebhookEndpointId, because: WebhookHoldReason,
): Event {
  return because === 'terms_unproven'
    ? emit(eventSource(dispatcher), 'webhook_endpoint.unproven', tenant, { endpoint })
    : emit(eventSource(dispatcher), 'webhook_endpoint.held', tenant, { endpoint, reason: because })
}
