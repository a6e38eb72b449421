import type { Tenant } from '@ngome/kernel'
import type pg from 'pg'
import type { Database } from './database.ts'
import { enterTenant, sendTogether, type Statement } from './statement.ts'
import { guarded, heldRowFault } from './store-fault.ts'

export type Results = readonly pg.QueryResult<Record<string, unknown>>[]

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
): Promise<Results> {
  return onConnection(db, async (client) => {
    const results = await together(client, [begin, enterTenant(tenant), ...statements, commit])
    assertCommitted(results)
    return results.slice(2, -1)
  })
}

/** What is written behind the answers of the first round trip, with the commit; `null` where all of it is taken back. */
export type Sequel<R> = { readonly statements: readonly Statement[] | null; readonly result: R }

/**
 * As {@link pipelined}, of which the second half depends on what the first one answered: two round trips for all of it.
 * @throws Fault `store/unavailable`; else the database's own error of the first statement that failed, or what `use` throws
 */
export function pipelinedTwice<R>(
  db: Database, tenant: Tenant, first: readonly Statement[], use: (results: Results) => Sequel<R>,
): Promise<R> {
  return pipelinedInTurns(db, tenant, async (ask) => use(await ask(first)))
}

export type Ask = (statements: readonly Statement[]) => Promise<Results>

/**
 * As {@link pipelinedTwice}, of any number of round trips: whatever is asked for at once is one.
 * @throws Fault `store/unavailable`; else the database's own error of the first statement that failed, or what `use` throws
 */
export async function pipelinedInTurns<R>(db: Database, tenant: Tenant, use: (ask: Ask) => Promise<Sequel<R>>): Promise<R> {
  return onConnection(db, async (client) => {
    let opening: readonly Statement[] = [begin, enterTenant(tenant)]
    const ask: Ask = async (statements) => {
      const [opened, all] = [opening.length, [...opening, ...statements]]
      opening = []
      return (await together(client, all)).slice(opened)
    }
    let isOpen = true
    try {
      const { statements, result } = await use(ask)
      if (statements !== null) {
        assertCommitted(await ask([...statements, commit]))
        isOpen = false
      }
      return result
    } finally {
      if (isOpen) await client.query(rollback).catch(() => undefined)
    }
  }).catch((error: unknown) => {
    throw heldRowFault(error)
  })
}

async function onConnection<R>(db: Database, use: (client: pg.PoolClient) => Promise<R>): Promise<R> {
  return guarded(async () => {
    const client = await db.pool.connect()
    try {
      return await use(client)
    } finally {
      // A connection in an unknown state, such as one that broke in the middle, is not used again.
      client.release(client.getTransactionStatus() !== 'I')
    }
  })
}

async function together(client: pg.PoolClient, statements: readonly Statement[]): Promise<Results> {
  const settled = await Promise.allSettled(sendTogether(client, statements))
  const failed = settled.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return settled.map((result) => (result as PromiseFulfilledResult<pg.QueryResult>).value)
}

/** PostgreSQL answers a COMMIT of a failed transaction with ROLLBACK instead of an error. */
function assertCommitted(results: Results): void {
  if (results.at(-1)?.command !== 'COMMIT') throw new Error('the transaction did not commit')
}

const begin: Statement = { name: 'begin', text: 'BEGIN', values: [] }
const commit: Statement = { name: 'commit', text: 'COMMIT', values: [] }
const rollback = { name: 'rollback', text: 'ROLLBACK' }
