import type { Event } from '@ngome/contracts'
import type { ApiKeyId, DataKeyId, ForwardDestinationId, ForwardId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { enqueueStatement } from '../jobs/enqueue.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'

export type NewForward = {
  readonly id: ForwardId
  readonly destination: ForwardDestinationId
  readonly apiKey: ApiKeyId
  /** Inserted before, with `insertDataKey`. */
  readonly dataKey: DataKeyId
  readonly sealed: Uint8Array
  readonly createdAtMs: number
}

/**
 * Accepts a forward: its row, its event, its job and the claim of its request's key in one transaction.
 * @throws Fault `store/unavailable`, after which the merchant repeats with the same key
 */
export async function insertForward(db: Database, input: {
  readonly tenant: Tenant
  readonly forward: NewForward
  readonly event: Event
  readonly idempotency: IdempotencyClaim
}): Promise<IdempotentOutcome> {
  const { tenant, forward, event, idempotency } = input
  const { id, destination, apiKey, dataKey, sealed, createdAtMs } = forward
  const outcome = await withIdempotency(db, tenant, idempotency, createdAtMs, [
    {
      name: 'insert_forward',
      text: `INSERT INTO ngome.forwards (id, merchant, world, destination, api_key, data_key, sealed, status, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'accepted', $8)`,
      values: [id, tenant.merchant, tenant.world, destination, apiKey, dataKey, sealed, new Date(createdAtMs)],
    },
    appendEventStatement(event),
    enqueueStatement('forward', { ...tenant, forward: id }, 0),
  ])
  if (outcome.kind === 'accepted') db.wake('forward')
  return outcome
}
