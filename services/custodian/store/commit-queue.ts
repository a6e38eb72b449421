import { Fault } from '@ngome/kernel'
import type { Commits, Transaction } from './store.ts'

/** Works that share one commit; it bounds how long others wait for it. */
const worksPerCommitMax = 64
/** Works that wait. Past this the disk does not keep up, and a caller should hear so instead of waiting. */
const waitingMax = 4_096

type Waiting = {
  readonly work: (transaction: Transaction) => Promise<unknown>
  readonly resolve: (value: never) => void
  readonly reject: (reason: unknown) => void
}

/** Runs statements in one transaction and commits it, or rolls all of it back and throws. */
export type Transact = (run: (transaction: Transaction) => Promise<void>) => Promise<void>

/**
 * Answers works only when their transaction is on the disk. Works that arrive together share one commit, since a
 * synchronous commit costs far more than the rows in it; they run one after the other, each below a savepoint.
 */
export class CommitQueue implements Commits {
  readonly #transact: Transact
  #waiting: Waiting[] = []
  #isScheduled = false
  #running: Promise<void> | undefined

  constructor(transact: Transact) {
    this.#transact = transact
  }

  run<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (this.#waiting.length >= waitingMax) {
      return Promise.reject(new Fault('custodian/unavailable', 'too many transactions wait'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.push({ work, resolve, reject })
    this.#schedule()
    return promise
  }

  /** Resolves between two commits, or at once where none is under way. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  #schedule(): void {
    if (this.#isScheduled || this.#running !== undefined) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const batch = this.#waiting.splice(0, worksPerCommitMax)
      this.#running = this.#commit(batch).then(() => {
        this.#running = undefined
        if (this.#waiting.length > 0) this.#schedule()
      })
    })
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const done: (() => void)[] = []
    try {
      await this.#transact(async (transaction) => {
        for (const one of batch) done.push(await runOne(transaction, one))
      })
    } catch (cause) {
      for (const { reject } of batch) reject(new Fault('custodian/unavailable', 'a commit failed', { cause }))
      return
    }
    for (const answer of done) answer()
  }
}

/** @returns how to answer once the commit stands */
async function runOne(transaction: Transaction, { work, resolve, reject }: Waiting): Promise<() => void> {
  await transaction.run('SAVEPOINT work')
  const own = new WorkTransaction(transaction)
  try {
    const value = await work(own) as never
    own.end()
    await transaction.run('RELEASE work')
    return () => resolve(value)
  } catch (failure) {
    own.end()
    await transaction.run('ROLLBACK TO work')
    await transaction.run('RELEASE work')
    return () => reject(failure)
  }
}

/** A work's handle; a statement that comes after the work's end would be another work's, and is refused. */
class WorkTransaction implements Transaction {
  #transaction: Transaction | undefined

  constructor(transaction: Transaction) {
    this.#transaction = transaction
  }

  get: Transaction['get'] = (...statement) => this.#open().get(...statement)
  all: Transaction['all'] = (...statement) => this.#open().all(...statement)
  run: Transaction['run'] = (...statement) => this.#open().run(...statement)

  end(): void {
    this.#transaction = undefined
  }

  #open(): Transaction {
    if (this.#transaction === undefined) throw new TypeError('a statement of a work that has ended')
    return this.#transaction
  }
}
