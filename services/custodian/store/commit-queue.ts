import type { DatabaseSync } from 'node:sqlite'
import { Fault } from '@ngome/kernel'

/** Works that share one commit; it bounds how long the event loop stands still for a transaction. */
const worksPerCommitMax = 64
/** Works that wait. Past this the disk does not keep up, and a caller should hear so instead of waiting. */
const waitingMax = 4_096

type Waiting = {
  readonly work: () => unknown
  readonly resolve: (value: never) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Runs works in transactions, and answers each only when its transaction is on the disk. Works that arrive together
 * share one commit, since a synchronous commit costs far more than the rows in it. A work is synchronous, so that no
 * two interleave; one that throws loses its own rows only.
 */
export class CommitQueue {
  readonly #db: DatabaseSync
  #waiting: Waiting[] = []
  #isScheduled = false

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** @throws Fault `custodian/unavailable` where the rows could not be kept; then nothing of the work has happened */
  run<T>(work: () => T): Promise<T> {
    if (this.#waiting.length >= waitingMax) {
      return Promise.reject(new Fault('custodian/unavailable', 'too many transactions wait'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.push({ work, resolve, reject })
    this.#schedule()
    return promise
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const batch = this.#waiting.splice(0, worksPerCommitMax)
      if (this.#waiting.length > 0) this.#schedule()
      this.#commit(batch)
    })
  }

  #commit(batch: readonly Waiting[]): void {
    const done: (() => void)[] = []
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      for (const one of batch) done.push(this.#runOne(one))
      this.#db.exec('COMMIT')
    } catch (cause) {
      if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec('ROLLBACK')
      for (const { reject } of batch) reject(new Fault('custodian/unavailable', 'a commit failed', { cause }))
      return
    }
    for (const answer of done) answer()
  }

  /** @returns how to answer once the commit stands */
  #runOne({ work, resolve, reject }: Waiting): () => void {
    this.#db.exec('SAVEPOINT work')
    try {
      const value = work() as never
      this.#db.exec('RELEASE work')
      return () => resolve(value)
    } catch (failure) {
      this.#db.exec('ROLLBACK TO work; RELEASE work')
      return () => reject(failure)
    }
  }
}
