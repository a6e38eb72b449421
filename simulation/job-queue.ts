import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import type { Job } from './memory/memory-payments.ts'
import type { Life, Scheduler } from './scheduler.ts'

/** Who works off jobs now; none where no dispatcher is up. */
export type Worker = { readonly life: Life; readonly work: (job: Job) => Promise<void> }

const leaseMs = 30_000
const nobodyMs = 1_000
const retryMsMax = 15_000

/** Jobs at least once each, until their handler returns: as pg-boss with leases gives them out. */
export class JobQueue {
  readonly #from: { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults }
  readonly #findWorker: () => Worker | undefined
  readonly #world: Life = { isOver: false }
  /** Jobs that were begun. */
  worked = 0
  readonly byQueue: Record<string, number> = {}

  constructor(from: { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults }, findWorker: () => Worker | undefined) {
    this.#from = from
    this.#findWorker = findWorker
  }

  add(job: Job): void {
    this.#from.scheduler.after(job.startAfterMs, this.#world, () => this.#give(job, 0))
  }

  #give(job: Job, tries: number): void {
    const { scheduler, chance, faults } = this.#from
    const worker = this.#findWorker()
    if (worker === undefined) return scheduler.after(nobodyMs, this.#world, () => this.#give(job, tries))
    const state = { isDone: false }
    this.worked++
    this.byQueue[job.queue] = (this.byQueue[job.queue] ?? 0) + 1
    scheduler.start(0, worker.life, async () => {
      try {
        await worker.work(job)
        state.isDone = true
      } catch (error) {
        state.isDone = true
        if (!isPassing(error)) throw error
        scheduler.after(Math.min(retryMsMax, 1_000 * 2 ** tries), this.#world, () => this.#give(job, tries + 1))
      }
    })
    // Whoever was silent for the lease is dead, or slow: then two have the job.
    scheduler.after(chance.happens(faults.jobTwice) ? chance.between(0, 500) : leaseMs, this.#world, () => this.#afterLease(job, state, worker.life))
  }

  #afterLease(job: Job, state: { readonly isDone: boolean }, life: Life): void {
    if (state.isDone) return
    if (life.isOver || this.#from.chance.happens(0.5)) return this.#give(job, 0)
    this.#from.scheduler.after(leaseMs, this.#world, () => this.#afterLease(job, state, life))
  }
}

/** What a handler may throw and be run again for; all else is a bug. */
function isPassing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'store/unavailable' || code === 'custodian/unavailable'
}
