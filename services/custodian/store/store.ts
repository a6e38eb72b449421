/** What a column holds. Times are whole milliseconds; hashes and keys are bytes. */
export type Value = string | number | Uint8Array | null
export type Row = Readonly<Record<string, Value>>

/**
 * Asks for rows. The SQL is what SQLite and PostgreSQL both understand, with `?` for each value.
 * @throws Fault `custodian/unavailable` where the store is away
 */
export type Reading = {
  get(sql: string, ...values: readonly Value[]): Promise<Row | undefined>
  all(sql: string, ...values: readonly Value[]): Promise<readonly Row[]>
}

/** One work's view of the store: what it has written itself, and otherwise only what is committed. */
export type Transaction = Reading & {
  /** @returns how many rows were changed */
  run(sql: string, ...values: readonly Value[]): Promise<number>
}

/** Makes changes, each in a transaction of its own as far as anybody can tell. */
export type Commits = {
  /**
   * Runs a work and answers once its rows are on the disk. No other work, of this process or its twin, runs meanwhile:
   * what it reads through its transaction stays so until it ends. It awaits nothing but its transaction, since all the
   * others wait for it; where it throws, its own rows are gone, and no one else's.
   * @throws Fault `custodian/unavailable` where the rows could not be kept
   */
  run<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
}

/** The custodian's own store. Reads outside a work see only what is committed. */
export type Store = Reading & {
  readonly commits: Commits
  /**
   * Writes a backup of what is committed, and opens it as a store of its own.
   * @param folder where it goes; made here, and of nobody else
   */
  backUp(folder: string): Promise<Store>
  close(): Promise<void>
}
