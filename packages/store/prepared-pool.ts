import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'
import { errorCode } from './store-fault.ts'

/**
 * More than all that is asked for in this way; what a text that varies would add beyond is planned each time, so that no connection's
 * memory grows with what was asked.
 */
const statementsMax = 200

/** PostgreSQL's code for a statement whose result has other columns since it was prepared, among other things that it does not do. */
const notSupported = '0A000'

/**
 * A pool as Kysely wants it, over the connections of another, of which each prepares a text when it first comes and keeps it by a name. One
 * whose statements a migration has outdated is not used again.
 */
export function preparedPool(pool: pg.Pool): PostgresPool {
  const namesByClient = new WeakMap<pg.PoolClient, Map<string, string>>()
  return {
    options: pool.options,
    connect: async () => {
      const client = await pool.connect()
      const names = namesByClient.get(client) ?? new Map<string, string>()
      namesByClient.set(client, names)
      return preparing(client, names)
    },
    // Whoever opened the connections ends them.
    end: () => Promise.resolve(),
  }
}

function preparing(client: pg.PoolClient, names: Map<string, string>): PostgresPoolClient {
  let isOutdated = false
  const query = async (text: string, values: readonly unknown[]): Promise<pg.QueryResult> => {
    const name = nameOf(text, names)
    try {
      return await client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) })
    } catch (error) {
      isOutdated ||= errorCode(error) === notSupported
      throw error
    }
  }
  return { query: query as unknown as PostgresPoolClient['query'], release: (destroy) => client.release(destroy === true || isOutdated) }
}

function nameOf(text: string, names: Map<string, string>): string | undefined {
  const name = names.get(text)
  if (name !== undefined || names.size >= statementsMax) return name
  const next = `kept_${names.size + 1}`
  names.set(text, next)
  return next
}
