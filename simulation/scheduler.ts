/** One life of a process; when it is over, nothing that it was doing goes on. */
export type Life = { isOver: boolean }

type Moment = { readonly atMs: number; readonly order: number; readonly life: Life; readonly begin: () => void; readonly isTask: boolean }

/** Something that a task waits for and another task or a moment brings; what comes second is dropped. */
export type Waiting<T> = { readonly take: () => Promise<T>; readonly bring: (value: T, afterMs: number) => void }

/**
 * Runs tasks one at a time, on a clock of its own, in an order that follows from the times they ask for alone: the same seed gives
 * the same run. A task runs until it pauses, awaits or ends; whatever it awaits of the real world meanwhile, such as a database, holds up
 * all others.
 */
export class Scheduler {
  #nowMs: number
  #order = 0
  readonly #heap: Moment[] = []
  #yielded: (() => void) | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Does something after so long, at once and as a whole. */
  after(ms: number, life: Life, run: () => void): void {
    this.#push(ms, life, run, false)
  }

  /** Begins a task after so long. What it throws ends the run. */
  start(ms: number, life: Life, task: () => Promise<void>): void {
    this.#push(ms, life, () => {
      task().then(() => this.#yield(), (error: unknown) => {
        this.#failure ??= { error }
        this.#yield()
      })
    }, true)
  }

  /** Lets time pass for the running task; in a life that ends meanwhile it never goes on. */
  pause(ms: number, life: Life): Promise<void> {
    return new Promise((resolve) => {
      this.#push(ms, life, resolve, true)
      this.#yield()
    })
  }

  /** Has the running task wait for what somebody brings. */
  waiting<T>(life: Life): Waiting<T> {
    let isBrought = false
    let resume: ((value: T) => void) | undefined
    const value = new Promise<T>((resolve) => { resume = resolve })
    return {
      take: () => {
        this.#yield()
        return value
      },
      bring: (brought, afterMs) => {
        if (isBrought) return
        isBrought = true
        this.#push(afterMs, life, () => resume?.(brought), true)
      },
    }
  }

  /** The running task goes on no more: its process died. */
  abandon(): Promise<never> {
    this.#yield()
    return new Promise(() => undefined)
  }

  /** @returns whether anything is left to do, before `isDone` said so */
  async run(isDone: () => boolean): Promise<boolean> {
    for (let moment = this.#pop(); moment !== undefined; moment = this.#pop()) {
      if (moment.life.isOver) continue
      this.#nowMs = Math.max(this.#nowMs, moment.atMs)
      if (moment.isTask) {
        const yielded = new Promise<void>((resolve) => { this.#yielded = resolve })
        moment.begin()
        await yielded
      } else {
        moment.begin()
      }
      if (this.#failure !== undefined) throw this.#failure.error
      if (isDone()) return true
    }
    return false
  }

  #yield(): void {
    this.#yielded?.()
    this.#yielded = undefined
  }

  #push(ms: number, life: Life, begin: () => void, isTask: boolean): void {
    const moment = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, life, begin, isTask }
    const heap = this.#heap
    let at = heap.push(moment) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(moment, momentAt(heap, parent))) break
      heap[at] = momentAt(heap, parent)
      at = parent
    }
    heap[at] = moment
  }

  #pop(): Moment | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(momentAt(heap, child + 1), momentAt(heap, child))) child++
      if (!isBefore(momentAt(heap, child), last)) break
      heap[at] = momentAt(heap, child)
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(one: Moment, other: Moment): boolean {
  return one.atMs !== other.atMs ? one.atMs < other.atMs : one.order < other.order
}

function momentAt(heap: readonly Moment[], index: number): Moment {
  const moment = heap[index]
  if (moment === undefined) throw new RangeError('no such moment')
  return moment
}
