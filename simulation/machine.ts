import { Fault, type Clock } from '@ngome/kernel'
import type { BatchStore, EventStore, PaymentStore } from '@ngome/store'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import type { Life, Scheduler } from './scheduler.ts'

const restartMsMax = 20_000
const travelMsMax = 30
const jumpEveryMs = 60_000

export type MachinePorts = {
  readonly scheduler: Scheduler
  readonly chance: Chance
  readonly faults: Faults
  /** How far its clock jumps, either way. */
  readonly clockJumpMsMax: number
}

/**
 * A process that may die at each of its steps and comes back after a while with nothing in its memory; its clock is nobody else's and may
 * jump, while what it measures on its own (`monotonicMs`) goes on evenly.
 */
export class Machine {
  readonly #from: MachinePorts
  readonly #onBoot: (machine: Machine) => void
  life: Life = { isOver: false }
  #skewMs = 0
  crashes = 0

  constructor(from: MachinePorts, onBoot: (machine: Machine) => void) {
    this.#from = from
    this.#onBoot = onBoot
    this.#boot()
  }

  get isUp(): boolean {
    return !this.life.isOver
  }

  readonly clock: Clock = { nowMs: () => this.#from.scheduler.nowMs + this.#skewMs }
  readonly monotonicMs = (): number => this.#from.scheduler.nowMs

  /** A step outwards or back: takes time, and may be the last. */
  async travel(): Promise<void> {
    const { scheduler, chance, faults } = this.#from
    if (chance.happens(faults.crash)) return this.#die()
    const isStalled = chance.happens(faults.stall)
    await scheduler.pause(isStalled ? chance.between(0, faults.stallMsMax) : chance.between(1, travelMsMax), this.life)
  }

  /** The store as this process reaches it: each call happens or does not, and the process may never hear which. */
  reach<S extends PaymentStore | EventStore | BatchStore>(store: S): S {
    const far = Object.entries(store).map(([name, call]) => [name, async (...args: unknown[]): Promise<unknown> => {
      await this.#road(`${name} was lost`)
      const answer = await (call as (...given: unknown[]) => Promise<unknown>)(...args)
      await this.#road(`the answer of ${name} was lost`)
      return answer
    }])
    return Object.fromEntries(far) as S
  }

  async #road(lost: string): Promise<void> {
    await this.travel()
    if (this.#from.chance.happens(this.#from.faults.storeLost)) throw new Fault('store/unavailable', lost)
  }

  #die(): Promise<never> {
    const { scheduler, chance } = this.#from
    this.life.isOver = true
    this.crashes++
    scheduler.after(chance.between(100, restartMsMax), { isOver: false }, () => this.#boot())
    return scheduler.abandon()
  }

  #boot(): void {
    this.life = { isOver: false }
    this.#jump()
    this.#onBoot(this)
  }

  #jump(): void {
    const { scheduler, chance, faults, clockJumpMsMax } = this.#from
    if (chance.happens(faults.clockJump)) this.#skewMs = chance.between(-clockJumpMsMax, clockJumpMsMax)
    if (faults.clockJump > 0) scheduler.after(jumpEveryMs, this.life, () => this.#jump())
  }
}
