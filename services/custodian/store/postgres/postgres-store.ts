import { Fault, type Random } from '@ngome/kernel'
import type pg from 'pg'
import { CommitQueue } from '../commit-queue.ts'
import type { Row, Store, Transaction, Value } from '../store.ts'
import { copyToEmbedded } from './copy-to-embedded.ts'

/** Names the one lock under which both custodians write; any number would do. */
const writerLock = 6_704_615
/** One writer after the other, as SQLite has it: what a work has read stays so until it commits. */
const begin = `BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(${writerLock})`

/**
 * The store in a PostgreSQL that two custodians share. Works of both run one after the other, below one lock that the
 * server lets go of with the transaction, however that ends; budgets, tokens and the log therefore need no rule of their
 * own for two writers.
 */
export class PostgresStore implements Store {
  readonly commits: CommitQueue
  readonly #pool: pg.Pool

  readonly #random: Random

  constructor(pool: pg.Pool, random: Random) {
    this.#pool = pool
    this.#random = random
    this.commits = new CommitQueue((run) => this.#transact(run))
  }

  async get(sql: string, ...values: readonly Value[]): Promise<Row | undefined> {
    return (await this.all(sql, ...values))[0]
  }

  async all(sql: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(statementOf(sql, values))).rows
    } catch (cause) {
      throw new Fault('custodian/unavailable', 'the custodian\'s database does not answer', { cause })
    }
  }

  /** As an embedded store, which can be looked at beside this one. Whoever runs the database makes its own backups. */
  async backUp(folder: string): Promise<Store> {
    const client = await this.#pool.connect()
    try {
      const store = await copyToEmbedded(client, folder, this.#random)
      client.release()
      return store
    } catch (failure) {
      client.release(true)
      throw failure
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }

  async #transact(run: (transaction: Transaction) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect()
    try {
      await client.query(begin)
      await run(transactionOf(client))
      await client.query('COMMIT')
      client.release()
    } catch (failure) {
      // With its connection the server ends the transaction: surer than to ask it for that on one that may be broken.
      client.release(true)
      throw failure
    }
  }
}

function transactionOf(client: pg.PoolClient): Transaction {
  const query = (sql: string, values: readonly Value[]): Promise<pg.QueryResult<Row>> =>
    client.query<Row>(statementOf(sql, values))
  return {
    get: async (sql, ...values) => (await query(sql, values)).rows[0],
    all: async (sql, ...values) => (await query(sql, values)).rows,
    run: async (sql, ...values) => (await query(sql, values)).rowCount ?? 0,
  }
}

/** The texts of our statements, which are constants of the code, in PostgreSQL's spelling and with a name each. */
const statements = new Map<string, { readonly name: string; readonly text: string }>()

function statementOf(sql: string, values: readonly Value[]): pg.QueryConfig {
  let statement = statements.get(sql)
  if (statement === undefined) {
    let count = 0
    statement = { name: `s${statements.size}`, text: sql.replace(/\?/g, () => `$${++count}`) }
    statements.set(sql, statement)
  }
  return { ...statement, values: [...values] }
}
