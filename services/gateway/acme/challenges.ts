import type { AcmeChallenge } from '@ngome/store'

/** Whoever asks for what is not there makes the table be read this often, and no more. */
const readEveryMs = 500

/** What authorities ask of this platform now, in memory; asked for something else, it looks whether that has come meanwhile. */
export class Challenges {
  readonly #list: () => Promise<readonly AcmeChallenge[]>
  readonly #monotonicMs: () => number
  readonly #sleep: (ms: number) => Promise<unknown>
  #known: readonly AcmeChallenge[] = []
  #lastStartMs = Number.NEGATIVE_INFINITY
  #next: Promise<void> | undefined

  constructor(ports: {
    readonly list: () => Promise<readonly AcmeChallenge[]>; readonly monotonicMs: () => number; readonly sleep: (ms: number) => Promise<unknown>
  }) {
    this.#list = ports.list
    this.#monotonicMs = ports.monotonicMs
    this.#sleep = ports.sleep
  }

  /** @returns the key authorization of a token under a name; `undefined` where there is none, or nobody knows */
  async find(token: string, name: string): Promise<string | undefined> {
    const found = this.#find(token, name)
    if (found !== undefined) return found
    // A reading that began before this question may not have seen what was written before it.
    await (this.#next ??= this.#readNext())
    return this.#find(token, name)
  }

  #find(token: string, name: string): string | undefined {
    return this.#known.find((one) => one.token === token && one.name === name)?.keyAuthorization
  }

  async #readNext(): Promise<void> {
    // Never without a turn of the loop: who asks after this point waits for the reading after this one.
    await this.#sleep(Math.max(this.#lastStartMs + readEveryMs - this.#monotonicMs(), 0))
    this.#next = undefined
    this.#lastStartMs = this.#monotonicMs()
    this.#known = await this.#list().catch(() => [])
  }
}
