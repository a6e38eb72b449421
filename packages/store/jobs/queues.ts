import type { QueueName } from '@ngome/contracts'

/** How pg-boss keeps the jobs of a queue, in its own units. */
export type QueueSettings = {
  readonly retryLimit: number
  readonly retryDelay: number
  readonly retryDelayMax: number
  readonly expireInSeconds: number
  readonly retentionSeconds: number
  readonly deleteAfterSeconds: number
}

const dayS = 86_400
/** A job is never given up: whatever the wait between them, these retries outlast the retention. */
const retryAlways = 1_000_000

/**
 * Retries begin after a second and their wait doubles up to `retryDelayMax`. A job may run for `expireInSeconds`; the
 * worker's lease, which is shorter, is what finds a worker that died. Finished jobs are kept for an hour, for a look at
 * what happened, and no longer: they are the part of the table that grows.
 */
export const queueSettings: Readonly<Record<QueueName, QueueSettings>> = {
  'forward': settings(5),
  'payment-dispatch': settings(15),
  'payment-enquire': settings(15),
  'payout-part': settings(60),
  'vault-index': settings(60),
  'webhook-deliver': settings(60),
}

/**
 * Queues whose jobs know their tenant, and webhooks their endpoint, so that workers can bound what runs of one at a time: what these jobs wait
 * for is a merchant's own server, or, of a part of a batch, a network that takes its hundreds one by one.
 */
export const queuesByTenant: ReadonlySet<QueueName> = new Set<QueueName>(['forward', 'payout-part', 'webhook-deliver'])

function settings(retryDelayMax: number): QueueSettings {
  return {
    retryLimit: retryAlways,
    retryDelay: 1,
    retryDelayMax,
    expireInSeconds: 300,
    retentionSeconds: 60 * dayS,
    deleteAfterSeconds: 3_600,
  }
}
