import type { Tenant } from '@ngome/kernel'
import type pg from 'pg'
import type { Database } from './database.ts'
import { guarded } from './store-fault.ts'

/** A statement that each connection prepares once, by its name. */
export type Statement = { readonly name: string; readonly text: string; readonly values: readonly unknown[] }

/**
 * Runs statements as one transaction of a tenant in one round trip: they are written to the connection together and
 * prepared once for each connection. One that fails takes all of them back.
 *
 * @returns the results of `statements`, in their order
 * @throws Fault `store/unavailable`; else the database's own error of the first statement that failed
 */
export async function pipelined(
  db: Database,
  tenant: Tenant,
  statements: readonly Statement[],
): Promise<readonly pg.QueryResult<Record<string, unknown>>[]> {
  return guarded(async () => {
    const client = await db.pool.connect()
    try {
      const all = sendTogether(client, [begin, enterTenant(tenant), ...statements, commit])
      const settled = await Promise.allSettled(all)
      const failed = settled.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      const results = settled.map((result) => (result as PromiseFulfilledResult<pg.QueryResult>).value)
      // PostgreSQL answers a COMMIT of a failed transaction with ROLLBACK instead of an error.
      if (results.at(-1)?.command !== 'COMMIT') throw new Error('the transaction did not commit')
      return results.slice(2, -1)
    } finally {
      // A connection in an unknown state, such as one that broke in the middle, is not used again.
      client.release(client.getTransactionStatus() !== 'I')
    }
  })
}

/** One write to the socket for all of them: the system call costs more than most statements. */
export function sendTogether(
  client: pg.PoolClient, statements: readonly (Omit<Statement, 'name'> & { readonly name?: string })[],
): Promise<pg.QueryResult>[] {
  const { stream } = client.connection
  stream.cork()
  try {
    return statements.map(({ values, ...statement }) => client.query({ ...statement, values: [...values] }))
  } finally {
    stream.uncork()
  }
}

const begin: Statement = { name: 'begin', text: 'BEGIN', values: [] }
const commit: Statement = { name: 'commit', text: 'COMMIT', values: [] }

/** What {@link enterTenant} says, whoever it is for. */
export const enteringText =
  `SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true), set_config('plan_cache_mode', 'force_generic_plan', true)`

/**
 * The statement that row-level security listens to, for the rest of the transaction. Plans are kept, whatever their values: of tables in
 * partitions PostgreSQL would make each anew, which costs more than to run it, while a kept one leaves out what cannot match as it begins (ADR 41).
 */
export function enterTenant(tenant: Tenant): Statement {
  return {
    name: 'enter_tenant',
    text: enteringText,
    values: [tenant.merchant, tenant.world],
  }
}
