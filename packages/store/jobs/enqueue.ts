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
 * @param id a UUID by which it can be taken back; the gateway may give none
 */
export function enqueueStatement<Q extends QueueName>(queue: Q, data: JobData<Q>, startAfterMs: number, id?: string): Statement {
  return insertion(queue, 'enqueue', { text: 'VALUES ($1, $2::jsonb', from: '', value: JSON.stringify(data) }, startAfterMs, groupOf(queue, data), id)
}

/** Takes a job back that nobody has begun. */
export function takeBackStatement(queue: QueueName, id: string): Statement {
  return { name: 'take_back_job', text: `DELETE FROM pgboss.job WHERE name = $1 AND id = $2 AND state = 'created'`, values: [queue, id] }
}

/** Adds jobs of one tenant, likewise. */
export function enqueueEachStatement<Q extends QueueName>(queue: Q, tenant: Tenant, jobs: readonly JobData<Q>[]): Statement {
  const value = jobs.map((data) => JSON.stringify(data))
  return insertion(queue, 'enqueue_each', { text: 'SELECT $1, d::jsonb', from: ' FROM unnest($2::text[]) d', value }, 0, groupOf(queue, tenant))
}

type Source = { readonly text: string; readonly from: string; readonly value: string | readonly string[] }

function insertion(queue: QueueName, name: string, { text, from, value }: Source, startAfterMs: number, group: string, id?: string): Statement {
  const settings = queueSettings[queue]
  const isGrouped = hasGroups(queue)
  const more = [...isGrouped ? [['group_id', group] as const] : [], ...id === undefined ? [] : [['id', id] as const]]
  const [moreColumns, moreValues] = [more.map(([column]) => `, ${column}`).join(''), more.map((_, at) => `, $${10 + at}`).join('')]
  return {
    name: [name, ...isGrouped ? ['in_group'] : [], ...id === undefined ? [] : ['as']].join('_'),
    text: `INSERT INTO pgboss.job (name, data, start_after, keep_until, retry_limit, retry_delay, retry_backoff,
        retry_delay_max, expire_seconds, deletion_seconds, policy${moreColumns})
      ${text}, now() + $3 * interval '1 ms', now() + $3 * interval '1 ms' + $4 * interval '1 s', $5, $6,
        true, $7, $8, $9, 'standard'${moreValues}${from === '' ? ')' : from}`,
    values: [queue, value, startAfterMs, settings.retentionSeconds, settings.retryLimit,
      settings.retryDelay, settings.retryDelayMax, settings.expireInSeconds, settings.deleteAfterSeconds, ...more.map(([, given]) => given)],
  }
}
