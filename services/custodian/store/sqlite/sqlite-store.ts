import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { Fault } from '@ngome/kernel'
import { CommitQueue } from '../commit-queue.ts'
import type { Row, Store, Transaction, Value } from '../store.ts'

export const storeFileName = 'custodian.sqlite'

/**
 * The store in a SQLite file of this process alone. Statements run synchronously on the one connection; whoever reads
 * outside a work therefore waits until no work is under way, or he would see what is not committed.
 */
export class SqliteStore implements Store {
  readonly db: DatabaseSync
  readonly commits: CommitQueue
  readonly #transaction: Transaction
  /** Statements by their text, which are the constants of our code. */
  readonly #statements = new Map<string, StatementSync>()

  readonly #open: (folder: string) => SqliteStore

  /** @param open opens the file of a folder, or makes an empty one of mode 0600 there */
  constructor(db: DatabaseSync, open: (folder: string) => SqliteStore) {
    this.db = db
    this.#open = open
    this.#transaction = {
      get: async (sql, ...values) => this.#statement(sql).get(...values) as Row | undefined,
      all: async (sql, ...values) => this.#statement(sql).all(...values) as Row[],
      run: async (sql, ...values) => Number(this.#statement(sql).run(...values).changes),
    }
    this.commits = new CommitQueue((run) => this.#transact(run))
  }

  async get(sql: string, ...values: readonly Value[]): Promise<Row | undefined> {
    await this.commits.settled()
    return this.#read(() => this.#transaction.get(sql, ...values))
  }

  async all(sql: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    await this.commits.settled()
    return this.#read(() => this.#transaction.all(sql, ...values))
  }

  async backUp(folder: string): Promise<Store> {
    await this.commits.settled()
    mkdirSync(folder, { mode: 0o700 })
    const path = join(folder, storeFileName)
    // SQLite writes into an empty file that is there, and so keeps its mode.
    writeFileSync(path, '', { mode: 0o600, flag: 'wx' })
    await this.#read(async () => this.db.prepare('VACUUM INTO ?').run(path))
    return this.#open(folder)
  }

  async close(): Promise<void> {
    this.#statements.clear()
    if (this.db.isOpen) this.db.close()
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    if (!this.db.isOpen) throw new Fault('custodian/unavailable', 'the store is closed')
    return read()
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, statement = this.db.prepare(sql))
    return statement
  }

  async #transact(run: (transaction: Transaction) => Promise<void>): Promise<void> {
    try {
      this.db.exec('BEGIN IMMEDIATE')
      await run(this.#transaction)
      this.db.exec('COMMIT')
    } catch (failure) {
      if (this.db.isOpen && this.db.isTransaction) this.db.exec('ROLLBACK')
      throw failure
    }
  }
}
