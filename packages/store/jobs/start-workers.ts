import { setTimeout as wait } from 'node:timers/promises'
import { jobSchemas, type JobData, type QueueName } from '@ngome/contracts'
import { Fault, type Tenant } from '@ngome/kernel'
import type { Job, PgBoss } from 'pg-boss'
import type { Database } from '../database.ts'
import { bossFor } from './boss.ts'
import { listenForWakes } from './listen.ts'
import { groupOf, hasGroups } from './queues.ts'

/** A job runs again until its handler returns: whatever it does, it must be able to do twice. */
export type JobHandler<Q extends QueueName> = (data: JobData<Q>, job: { readonly signal: AbortSignal }) => Promise<void>
export type JobHandlers = { readonly [Q in QueueName]?: JobHandler<Q> }

export type WorkerOptions = {
  readonly handlers: JobHandlers
  /** Jobs of one queue at the same time. */
  readonly concurrency: number
  /** Queues that have bounds of their own. */
  readonly bounds?: { readonly [Q in QueueName]?: GroupBounds }
  /** A worker that was silent for this long is dead, and its jobs are given to others. */
  readonly leaseMs?: number
  /** How often to look for jobs without being woken: for those that were to wait, and for lost wakes. */
  readonly pollMs?: number
  /** Failures of handlers and of the queue itself; all of them are tried again. */
  readonly onError: (error: unknown, queue: QueueName | null) => void
}

/** What jobs that wait for the same may hold of a queue's slots: of one network, tenant or endpoint. A job beyond that stays in the queue and others go past it. */
export type GroupBounds = {
  /** Jobs of the queue at the same time. */
  readonly concurrency: number
  /** Jobs of one group at the same time, in all workers together. */
  readonly perGroup: number
}

export type Workers = {
  /** Takes no more jobs, lets those in hand end, aborts what has not ended after the grace. */
  stop(graceMs?: number): Promise<void>
}

const leaseDefaultMs = 6_000
const pollDefaultMs = 500
const graceDefaultMs = 5_000
const startRetryMs = 1_000
const sweepMax = 1_000
/** Workers that may share a group: one that holds less than its part of the share need not ask whether the share was what cut a batch down. */
const workersMax = 8

/**
 * Works off the queues that have a handler. Returns at once; while the database is away it keeps trying. A job starts
 * within milliseconds of its wake, and that of a worker that died is started elsewhere soon after the lease.
 */
export function startWorkers(db: Database, options: WorkerOptions): Workers {
  const stopping = new AbortController()
  const boss = bossFor(db.connection, { supervise: true })
  boss.on('error', (error) => options.onError(error, null))
  const names = Object.keys(options.handlers) as QueueName[]
  const queues = names.map((name) => new QueueWorker(db, boss, name, options))
  const listener = listenForWakes(db.connection, (name) => queues.find(({ queue }) => queue === name)?.wake())
  const running = start(boss, stopping.signal, options)
    .then((isStarted) => isStarted ? Promise.all(queues.map((queue) => queue.run(stopping.signal))) : [])
  return {
    async stop(graceMs = graceDefaultMs) {
      stopping.abort()
      for (const queue of queues) queue.wake()
      await running
      await Promise.all(queues.map((queue) => queue.drain(graceMs)))
      await listener.close()
      await boss.stop({ graceful: false })
    },
  }
}

async function start(boss: PgBoss, stopping: AbortSignal, options: WorkerOptions): Promise<boolean> {
  while (!stopping.aborted) {
    try {
      await boss.start()
      return true
    } catch (error) {
      options.onError(error, null)
      await wait(startRetryMs, undefined, { signal: stopping }).catch(() => undefined)
    }
  }
  return false
}

type Held = {
  readonly id: string
  readonly retryCount: number
  readonly abort: AbortController
  readonly group: string
  readonly done: Promise<void>
}

class QueueWorker {
  readonly queue: QueueName
  readonly #db: Database
  readonly #boss: PgBoss
  readonly #options: WorkerOptions
  readonly #leaseMs: number
  readonly #held = new Map<string, Held>()
  #isWoken = false
  readonly #concurrency: number
  readonly #perGroup: number | undefined
  /** The last batch was full: a job that ends makes room for one that was left. */
  #isFull = false
  #rouse: () => void = () => undefined

  constructor(db: Database, boss: PgBoss, queue: QueueName, options: WorkerOptions) {
    this.#db = db
    this.#boss = boss
    this.queue = queue
    this.#options = options
    this.#leaseMs = options.leaseMs ?? leaseDefaultMs
    const bounds = options.bounds?.[queue]
    if (bounds !== undefined && !hasGroups(queue)) throw new TypeError(`jobs of ${queue} are in no groups`)
    this.#concurrency = bounds?.concurrency ?? options.concurrency
    this.#perGroup = bounds?.perGroup
  }

  wake(): void {
    this.#isWoken = true
    this.#rouse()
  }

  async run(stopping: AbortSignal): Promise<void> {
    const beat = setInterval(() => void this.#beat(), this.#leaseMs / 3)
    try {
      while (!stopping.aborted) {
        this.#isWoken = false
        await this.#take(stopping)
        if (!this.#isWoken && !stopping.aborted) await this.#sleep()
      }
    } finally {
      clearInterval(beat)
    }
  }

  async drain(graceMs: number): Promise<void> {
    const beat = setInterval(() => void this.#touch(), this.#leaseMs / 3)
    const ended = Promise.all([...this.#held.values()].map(({ done }) => done))
    await Promise.race([ended, wait(graceMs, undefined, { ref: false })])
    for (const { abort } of this.#held.values()) abort.abort()
    await Promise.race([ended, wait(graceMs, undefined, { ref: false })])
    clearInterval(beat)
  }

  async #take(stopping: AbortSignal): Promise<void> {
    const share = this.#perGroup === undefined ? {} : { groupConcurrency: this.#perGroup }
    while (!stopping.aborted) {
      const free = this.#concurrency - this.#held.size
      if (free <= 0) return
      try {
        const jobs = await this.#boss.fetch<object>(this.queue, { batchSize: free, ...share })
        const held = jobs.map((job) => this.#hold(job))
        this.#isFull = jobs.length === free
        // A batch of one group's may have been cut down to its share: others may stand behind it. Each turn takes a
        // job at least, and none is left that may run when a turn takes nothing.
        if (!held.some(({ group }) => this.#isNearShare(group))) return
      } catch (error) {
        this.#options.onError(error, this.queue)
        return
      }
    }
  }

  #hold(job: Job<object>): Held {
    const abort = new AbortController()
    const group = groupOf(this.queue, job.data as Tenant)
    const done = this.#handle(job, abort.signal).finally(() => {
      const makesRoom = this.#isFull || this.#isNearShare(group)
      this.#held.delete(job.id)
      if (makesRoom) this.wake()
    })
    const held = { id: job.id, retryCount: job.retryCount, abort, group, done }
    this.#held.set(job.id, held)
    return held
  }

  #isNearShare(group: string): boolean {
    if (this.#perGroup === undefined) return false
    let inGroup = 0
    for (const held of this.#held.values()) if (held.group === group) inGroup++
    return inGroup >= Math.ceil(this.#perGroup / workersMax)
  }

  async #handle(job: Job<object>, signal: AbortSignal): Promise<void> {
    const attempt = { id: job.id, retryCount: job.retryCount }
    try {
      const handler = this.#options.handlers[this.queue] as JobHandler<QueueName>
      await handler(jobSchemas[this.queue].parse(job.data), { signal })
      await this.#boss.complete(this.queue, attempt)
    } catch (error) {
      this.#options.onError(error, this.queue)
      // What is kept of a failure is its code: messages may say more than a queue should know.
      const output = { fault: error instanceof Fault ? error.code : 'unexpected' }
      // Where even this fails, the lease runs out and the job is tried again all the same.
      await this.#boss.fail(this.queue, attempt, output).catch(() => undefined)
    }
  }

  async #sleep(): Promise<void> {
    const poll = new AbortController()
    const roused = new Promise<void>((resolve) => {
      this.#rouse = resolve
    })
    const pollMs = this.#options.pollMs ?? pollDefaultMs
    await Promise.race([roused, wait(pollMs, undefined, { signal: poll.signal }).catch(() => undefined)])
    this.#rouse = () => undefined
    poll.abort()
  }

  async #beat(): Promise<void> {
    await this.#touch()
    await this.#sweep()
  }

  async #touch(): Promise<void> {
    if (this.#held.size === 0) return
    try {
      await this.#boss.touch(this.queue, [...this.#held.values()].map(({ id, retryCount }) => ({ id, retryCount })))
    } catch (error) {
      this.#options.onError(error, this.queue)
    }
  }

  /** Gives the jobs of dead workers to the living. Ours are touched just before, so that a slow one is not swept. */
  async #sweep(): Promise<void> {
    try {
      const { rows } = await this.#db.pool.query<{ id: string; retry_count: number }>({
        name: 'find_silent_jobs',
        text: `SELECT id, retry_count FROM pgboss.job
          WHERE name = $1 AND state = 'active' AND heartbeat_on < now() - $2 * interval '1 ms' LIMIT ${sweepMax}`,
        values: [this.queue, this.#leaseMs],
      })
      if (rows.length === 0) return
      const silent = rows.map((row) => ({ id: row.id, retryCount: row.retry_count }))
      await this.#boss.fail(this.queue, silent, { fault: 'worker_silent' })
      this.wake()
    } catch (error) {
      this.#options.onError(error, this.queue)
    }
  }
}
