/** What was begun, to be ended in the opposite order, once, whether it failed in the middle or ran for a year. */
export class Undo {
  readonly #steps: (() => Promise<void> | void)[] = []
  #running: Promise<void> | undefined

  /** Notes how to end what begins now. Where the ending has begun already, it is ended at once. */
  async push(step: () => Promise<void> | void): Promise<void> {
    if (this.#running === undefined) this.#steps.push(step)
    else await step()
  }

  run(): Promise<void> {
    this.#running ??= this.#runAll()
    return this.#running
  }

  async #runAll(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step()
  }
}
