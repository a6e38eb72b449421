import type { Tenant } from '@ngome/kernel'
import type pg from 'pg'
import type { Database } from './database.ts'
import { enterTenant, sendTogether, type Statement } from './statement.ts'
import { guarded } from './store-fault.ts'

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

const begin: Statement = { name: 'begin', text: 'BEGIN', values: [] }
const commit: Statement = { name: 'commit', text: 'COMMIT', values: [] }
