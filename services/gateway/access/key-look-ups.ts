import { Fault, type ApiKeyId } from '@ngome/kernel'
import type { ApiKeyRow } from '@ngome/store'

/** A quarter of the connections that also accept payments: keys that somebody makes up get no more than that. */
export const lookUpsMax = 4
/** At a thousand look-ups a second on each connection these wait for some 30 ms; more would only wait longer. */
export const lookUpsWaitingMax = 128

/** Looks for keys that are not in memory, a few at a time, so that a flood of unknown keys leaves payments alone. */
export class KeyLookUps {
  readonly #find: (id: ApiKeyId) => Promise<ApiKeyRow | undefined>
  readonly #waiting: (() => void)[] = []
  #underWay = 0

  constructor(find: (id: ApiKeyId) => Promise<ApiKeyRow | undefined>) {
    this.#find = find
  }

  /** @throws Fault `store/unavailable`, also where too many wait already */
  async find(id: ApiKeyId): Promise<ApiKeyRow | undefined> {
    await this.#place()
    try {
      return await this.#find(id)
    } finally {
      const next = this.#waiting.shift()
      // Who waits takes the place over, so that nobody who comes now can slip in before.
      if (next === undefined) this.#underWay--
      else next()
    }
  }

  #place(): Promise<void> | undefined {
    if (this.#underWay < lookUpsMax) {
      this.#underWay++
      return undefined
    }
    if (this.#waiting.length >= lookUpsWaitingMax) throw new Fault('store/unavailable', 'too many keys wait to be looked up')
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
