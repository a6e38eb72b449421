import type { JobData, QueueName } from '@ngome/contracts'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Statement } from '../pipeline.ts'
import type { Tables } from '../tables.ts'
import { queueSettings } from './queues.ts'

/**
 * Adds a job in the caller's transaction. Whoever commits should then `wake` the queue, or the job waits for a poll.
 * @param startAfterMs how long the job waits before it may start
 */
export async function enqueue<Q extends QueueName>(
  tx: Transaction<Tables>,
  queue: Q,
  data: JobData<Q>,
  options: { readonly startAfterMs?: number } = {},
): Promise<void> {
  const statement = enqueueStatement(queue, data, options.startAfterMs ?? 0)
  await tx.executeQuery(CompiledQuery.raw(statement.text, [...statement.values]))
}

/**
 * pg-boss documents plain insertion into its job table as a way to create jobs; it leaves the columns of a queue's
 * policy to the inserter, so that they are written here as `createQueue` was told them.
 */
export function enqueueStatement<Q extends QueueName>(queue: Q, data: JobData<Q>, startAfterMs: number): Statement {
  const settings = queueSettings[queue]
  return {
    name: 'enqueue',
    text: `INSERT INTO pgboss.job (name, data, start_after, keep_until, retry_limit, retry_delay, retry_backoff,
        retry_delay_max, expire_seconds, deletion_seconds, policy)
      VALUES ($1, $2::jsonb, now() + $3 * interval '1 ms', now() + $3 * interval '1 ms' + $4 * interval '1 s', $5, $6,
        true, $7, $8, $9, 'standard')`,
    values: [queue, JSON.stringify(data), startAfterMs, settings.retentionSeconds, settings.retryLimit,
      settings.retryDelay, settings.retryDelayMax, settings.expireInSeconds, settings.deleteAfterSeconds],
  }
}
