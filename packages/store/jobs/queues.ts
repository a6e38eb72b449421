import type { QueueName } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'

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
 * By what the jobs of a queue are counted, so that workers can bound what runs of one at a time: by what they wait for. That is a network, a
 * merchant's own server or, of a part of a batch, the batches of one merchant. What is in no group waits for nobody.
 */
const queueGroups: Readonly<Record<QueueName, 'tenant' | 'network' | 'endpoint' | null>> = {
  'forward': 'tenant',
  'payment-dispatch': 'network',
  'payment-enquire': 'network',
  'payout-part': 'tenant',
  'vault-index': null,
  'webhook-deliver': 'endpoint',
}

export const hasGroups = (queue: QueueName): boolean => queueGroups[queue] !== null

/**
 * What pg-boss counts a job by; it is made of ids and of a network's configured name, as the job's data is. A job that does not say its network or its
 * endpoint is counted by its tenant.
 */
export function groupOf(queue: QueueName, { merchant, world, ...of }: Tenant & { readonly network?: string | undefined; readonly endpoint?: string | undefined }): string {
  const tenant = `${merchant}:${world}`
  switch (queueGroups[queue]) {
    case 'network': return of.network === undefined ? tenant : `network:${of.network}`
    case 'endpoint': return of.endpoint === undefined ? tenant : `${tenant}:${of.endpoint}`
    default: return tenant
  }
}

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
