import type { Event } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import type { Database } from './database.ts'
import { loadDelivery } from './dispatch/load-delivery.ts'
import { recordDeliveryResult } from './dispatch/record-delivery-result.ts'
import { waitForTurn } from './dispatch/wait-for-turn.ts'
import { appendEvent } from './events/append-event.ts'
import { proveByWord } from './events/event-words.ts'
import { listObjectEvents } from './events/list-object-events.ts'
import type { Bound } from './payment-store.ts'
import { findAnswer } from './payments/idempotency.ts'
import { listSigningKeys } from './signing/list-signing-keys.ts'
import { inTenant } from './transaction.ts'
import { findWebhookEndpoint } from './webhooks/find-webhook-endpoint.ts'
import { findReplayable, replayDeliveries } from './webhooks/replay-deliveries.ts'

/** What merchants are told of changes by: each call is one transaction, as of a `PaymentStore`, and the simulation has one in memory. */
export type EventStore = {
  readonly loadDelivery: Bound<typeof loadDelivery>
  readonly waitForTurn: Bound<typeof waitForTurn>
  readonly recordDeliveryResult: Bound<typeof recordDeliveryResult>
  readonly listObjectEvents: Bound<typeof listObjectEvents>
  readonly proveByWord: Bound<typeof proveByWord>
  readonly listSigningKeys: Bound<typeof listSigningKeys>
  readonly findAnswer: Bound<typeof findAnswer>
  readonly findWebhookEndpoint: Bound<typeof findWebhookEndpoint>
  readonly findReplayable: Bound<typeof findReplayable>
  readonly replayDeliveries: Bound<typeof replayDeliveries>
  /** Tells the operator, where nothing else is written. @throws Fault `store/unavailable` */
  readonly tell: (tenant: Tenant, event: Event) => Promise<void>
}

export function postgresEvents(db: Database): EventStore {
  return {
    loadDelivery: loadDelivery.bind(null, db),
    waitForTurn: waitForTurn.bind(null, db),
    recordDeliveryResult: recordDeliveryResult.bind(null, db),
    listObjectEvents: listObjectEvents.bind(null, db),
    proveByWord: proveByWord.bind(null, db),
    listSigningKeys: listSigningKeys.bind(null, db),
    findAnswer: findAnswer.bind(null, db),
    findWebhookEndpoint: findWebhookEndpoint.bind(null, db),
    findReplayable: findReplayable.bind(null, db),
    replayDeliveries: replayDeliveries.bind(null, db),
    tell: (tenant, event) => inTenant(db, tenant, (tx) => appendEvent(tx, event)),
  }
}
