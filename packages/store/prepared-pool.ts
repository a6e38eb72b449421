import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'
import { enteringText, sendTogether, type Statement } from './statement.ts'
import { errorCode } from './store-fault.ts'

/**
 * More than all that is asked for in this way; what a text that varies would add beyond is planned each time, so that no connection's
 * memory grows with what was asked.
 */
const statementsMax = 200

/** PostgreSQL's code for a statement whose result has other columns since it was prepared, among other things that it does not do. */
const notSupported = '0A000'

/** What begins a transaction and is answered with nothing: sent with the first statement that asks for something. */
const openings: ReadonlySet<string> = new Set(['begin', enteringText])
/** As Kysely says it. */
const endings: ReadonlySet<string> = new Set(['commit', 'rollback'])

/**
 * A pool as Kysely wants it, over the connections of another, of which each prepares a text when it first comes and keeps it by a name. One
 * whose statements a migration has outdated is not used again. A transaction begins with its first question, in one write with it: a call of
 * the system costs more than most statements, on both sides.
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

type Answer = Pick<pg.QueryResult, 'command' | 'rowCount' | 'rows'>
const nothing: Answer = { command: '', rowCount: null, rows: [] }

function preparing(client: pg.PoolClient, names: Map<string, string>): PostgresPoolClient {
  let isOutdated = false
  const held: Omit<Statement, 'name'>[] = []
  const query = async (text: string, values: readonly unknown[] = []): Promise<Answer> => {
    if (openings.has(text)) {
      held.push({ text, values })
      return nothing
    }
    // Nothing was asked for, so that nothing was begun.
    if (endings.has(text) && held.splice(0).length > 0) return nothing
    const settled = await Promise.allSettled(sendTogether(client, [...held.splice(0), { text, values }].map((statement) => named(statement, names))))
    const failed = settled.find((result) => result.status === 'rejected')
    if (failed === undefined) return (settled.at(-1) as PromiseFulfilledResult<pg.QueryResult>).value
    isOutdated ||= errorCode(failed.reason) === notSupported
    throw failed.reason
  }
  return { query: query as unknown as PostgresPoolClient['query'], release: (destroy) => client.release(destroy === true || isOutdated) }
}

function named(statement: Omit<Statement, 'name'>, names: Map<string, string>): Parameters<typeof sendTogether>[1][number] {
  const name = nameOf(statement.text, names)
  return name === undefined ? statement : { ...statement, name }
}

function nameOf(text: string, names: Map<string, string>): string | undefined {
  const name = names.get(text)
  if (name !== undefined || names.size >= statementsMax) return name
  const next = `kept_${names.size + 1}`
  names.set(text, next)
  return next
}
