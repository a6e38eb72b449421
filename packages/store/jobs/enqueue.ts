import type { JobData, QueueName } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Statement } from '../statement.ts'
import type { Tables } from '../tables.ts'
import { groupOf, hasGroups, queueSettings } from './queues.ts'

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
  return insertion(queue, 'enqueue', { text: 'VALUES ($1, $2::jsonb', from: '', value: JSON.stringify(data) }, startAfterMs, groupOf(queue, data))
}

/** Adds jobs of one tenant, likewise. */
export function enqueueEachStatement<Q extends QueueName>(queue: Q, tenant: Tenant, jobs: readonly JobData<Q>[]): Statement {
  const value = jobs.map((data) => JSON.stringify(data))
  return insertion(queue, 'enqueue_each', { text: 'SELECT $1, d::jsonb', from: ' FROM unnest($2::text[]) d', value }, 0, groupOf(queue, tenant))
}

type Source = { readonly text: string; readonly from: string; readonly value: string | readonly string[] }

function insertion(queue: QueueName, name: string, { text, from, value }: Source, startAfterMs: number, group: string): Statement {
  const settings = queueSettings[queue]
  const isGrouped = hasGroups(queue)
  const [moreColumns, moreValues] = isGrouped ? [', group_id', ', $10'] : ['', '']
  return {
    name: isGrouped ? `${name}_in_group` : name,
    text: `INSERT INTO pgboss.job (name, data, start_after, keep_until, retry_limit, retry_delay, retry_backoff,
        retry_delay_max, expire_seconds, deletion_seconds, policy${moreColumns})
      ${text}, now() + $3 * interval '1 ms', now() + $3 * interval '1 ms' + $4 * interval '1 s', $5, $6,
        true, $7, $8, $9, 'standard'${moreValues}${from === '' ? ')' : from}`,
    values: [queue, value, startAfterMs, settings.retentionSeconds, settings.retryLimit,
      settings.retryDelay, settings.retryDelayMax, settings.expireInSeconds, settings.deleteAfterSeconds, ...isGrouped ? [group] : []],
  }
}
