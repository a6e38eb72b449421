import type { JobData } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { postgresBatches, postgresEvents, startWorkers, type GroupBounds, type Workers } from '@ngome/store'
import { Counter, type Registry } from 'prom-client'
import type { Dispatcher } from '../dispatcher.ts'
import { dispatchPart } from '../payments/dispatch-part.ts'
import { dispatchPayment } from '../payments/dispatch-payment.ts'
import { enquirePayment } from '../payments/enquire-payment.ts'
import { runForward } from '../forwards/run-forward.ts'
import { indexVaultToken } from '../vault/index-vault-token.ts'
import { deliverWebhook } from '../webhooks/deliver-webhook.ts'

/** Jobs at a time of a queue that waits for nobody. */
const jobsAtOnce = 8
/**
 * Payments mostly wait for their network, which answers in a second or in ten, and hold nothing of ours meanwhile. A network, however slow, holds its
 * share and no other network's.
 */
const requestsAtOnce: GroupBounds = { concurrency: 256, perGroup: 64 }
/** Likewise; what its cap lets it be asked a second waits for its turn, and for no longer than it has patience. */
const enquiriesAtOnce: GroupBounds = { concurrency: 128, perGroup: 32 }
/**
 * Webhooks wait for merchants' servers. One endpoint, however slow, holds four slots and
 * none of its merchant's others'; all ten that a tenant may have hold less than a third.
 */
const webhooksAtOnce: GroupBounds = { concurrency: 128, perGroup: 4 }
/** Forwards wait for merchants' partners, likewise. */
const forwardsAtOnce: GroupBounds = { concurrency: 32, perGroup: 8 }
/** Batches have places of their own, one for each merchant, so that nobody's single payout and nobody's other batch waits for a hundred thousand rows. */
const partsAtOnce: GroupBounds = { concurrency: 8, perGroup: 1 }

/**
 * Starts working off the queues.
 * @param rowsAtOnce rows of one part of a batch that are sent at once
 */
export function startJobs(dispatcher: Dispatcher, metrics: Registry, rowsAtOnce: number): Workers {
  const jobs = new Counter({
    name: 'ngome_dispatcher_jobs_total', help: 'Jobs by queue and outcome.', labelNames: ['queue', 'outcome'], registers: [metrics],
  })
  const counted = <D>(queue: string, run: (dispatcher: Dispatcher, data: D, signal: AbortSignal) => Promise<void>) =>
    async (data: D, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
      await run(dispatcher, data, signal)
      jobs.inc({ queue, outcome: 'done' })
    }
  const paying = { ...dispatcher, batches: postgresBatches(dispatcher.db), rowsAtOnce }
  const telling = { ...dispatcher, events: postgresEvents(dispatcher.db) }
  return startWorkers(dispatcher.db, {
    handlers: {
      'forward': counted('forward', runForward),
      'payment-dispatch': counted('payment-dispatch', dispatchPayment),
      'payout-part': counted('payout-part', (_, data: JobData<'payout-part'>, signal) => dispatchPart(paying, data, signal)),
      'payment-enquire': counted('payment-enquire', enquirePayment),
      'vault-index': counted('vault-index', indexVaultToken),
      'webhook-deliver': counted('webhook-deliver', (_, data: JobData<'webhook-deliver'>, signal) => deliverWebhook(telling, data, signal)),
    },
    concurrency: jobsAtOnce,
    bounds: {
      'payment-dispatch': requestsAtOnce, 'payment-enquire': enquiriesAtOnce, 'forward': forwardsAtOnce, 'payout-part': partsAtOnce, 'webhook-deliver': webhooksAtOnce,
    },
    onError: (error, queue) => {
      jobs.inc({ queue: queue ?? 'none', outcome: 'failed' })
      // What passes by itself is no error: the job runs again.
      const level = error instanceof Fault ? 'warn' : 'error'
      dispatcher.logger[level]({ err: error, queue }, 'a job failed and will run again')
    },
  })
}
