import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import type { Job } from './memory/memory-payments.ts'
import type { Life, Scheduler } from './scheduler.ts'

/** Who works off jobs now. */
export type Worker = { readonly life: Life; readonly work: (job: Job) => Promise<void> }

const leaseMs = 30_000
const lookMs = 200
const retryMsMax = 15_000
/** A process dies at a step of any of them: where many go on at once, none gets far. */
const jobsAtOnce: Readonly<Record<Job['queue'], number>> = { 'payment-dispatch': 8, 'payment-enquire': 8, 'payout-part': 4, 'webhook-deliver': 8 }
const queues = Object.keys(jobsAtOnce) as readonly Job['queue'][]

type Ports = { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults }
type Due = { readonly job: Job; readonly tries: number }

/** Jobs at least once each, until their handler returns: as pg-boss with leases gives them out. */
export class JobQueue {
  readonly #from: Ports
  readonly #workers: () => readonly Worker[]
  readonly #world: Life = { isOver: false }
  readonly #due: Record<Job['queue'], Due[]> = { 'payment-dispatch': [], 'payment-enquire': [], 'payout-part': [], 'webhook-deliver': [] }
  /** How many of a queue's jobs each worker holds. */
  readonly #held = new WeakMap<Life, Record<Job['queue'], number>>()
  #isLooking = false
  /** Jobs that were begun. */
  worked = 0

  /** @param workers those that are up */
  constructor(from: Ports, workers: () => readonly Worker[]) {
    this.#from = from
    this.#workers = workers
  }

  add(job: Job): void {
    this.#from.scheduler.after(job.startAfterMs, this.#world, () => this.#give({ job, tries: 0 }))
  }

  #give(due: Due): void {
    this.#due[due.job.queue].push(due)
    this.#pump()
  }

  /** Begins what is due, as far as somebody has a hand free; else looks again soon. */
  #pump(): void {
    for (const queue of queues) {
      // A run without batches leaves nothing to chance for their sake: its seed gives what it gave before.
      if (queue === 'payout-part' && this.#due[queue].length === 0) continue
      for (let worker = this.#freeWorker(queue); worker !== undefined && this.#due[queue].length > 0; worker = this.#freeWorker(queue)) {
        const due = this.#due[queue].shift()
        if (due !== undefined) this.#begin(due, worker)
      }
    }
    const isWaiting = Object.values(this.#due).some((jobs) => jobs.length > 0)
    if (!isWaiting || this.#isLooking) return
    this.#isLooking = true
    this.#from.scheduler.after(lookMs, this.#world, () => {
      this.#isLooking = false
      this.#pump()
    })
  }

  #freeWorker(queue: Job['queue']): Worker | undefined {
    const free = this.#workers().filter(({ life }) => this.#heldBy(life)[queue] < jobsAtOnce[queue])
    return free.length === 0 ? undefined : this.#from.chance.pick(free)
  }

  #heldBy(life: Life): Record<Job['queue'], number> {
    let held = this.#held.get(life)
    if (held === undefined) this.#held.set(life, held = { 'payment-dispatch': 0, 'payment-enquire': 0, 'payout-part': 0, 'webhook-deliver': 0 })
    return held
  }

  #begin({ job, tries }: Due, worker: Worker): void {
    const { scheduler, chance, faults } = this.#from
    const state = { isDone: false }
    const held = this.#heldBy(worker.life)
    held[job.queue]++
    this.worked++
    scheduler.start(0, worker.life, async () => {
      try {
        await worker.work(job)
      } catch (error) {
        if (!isPassing(error)) throw error
        scheduler.after(Math.min(retryMsMax, 1_000 * 2 ** tries), this.#world, () => this.#give({ job, tries: tries + 1 }))
      }
      state.isDone = true
      held[job.queue]--
    })
    // Whoever was silent for the lease is dead, or slow: then two have the job.
    scheduler.after(chance.happens(faults.jobTwice) ? chance.between(0, 500) : leaseMs, this.#world, () => this.#afterLease(job, state, worker.life))
  }

  #afterLease(job: Job, state: { readonly isDone: boolean }, life: Life): void {
    if (state.isDone) return
    if (life.isOver || this.#from.chance.happens(0.5)) return this.#give({ job, tries: 0 })
    this.#from.scheduler.after(leaseMs, this.#world, () => this.#afterLease(job, state, life))
  }
}

/** What a handler may throw and be run again for; all else is a bug. */
export function isPassing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'store/unavailable' || code === 'custodian/unavailable'
}
