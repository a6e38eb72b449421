import type { Socket } from 'node:net'
import { forgetBansOrder, formatBanOrder } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'

/** A helper that does not read is given no more than this; bans stand in this process all the same. */
const waitingBytesMax = 65_536

/**
 * Orders bans from the helper that may change the kernel's set, over the pipe that the launcher gives us: at our start, and
 * again whenever it had to start the helper anew.
 */
export class KernelBans {
  readonly #logger: Logger
  readonly #tellAll: () => void
  #pipe: Socket | undefined

  /** @param tellAll has {@link set} called for every ban that stands: a helper that has just come knows of none */
  constructor(logger: Logger, tellAll: () => void) {
    this.#logger = logger
    this.#tellAll = tellAll
  }

  /** From now on orders go here. */
  use(pipe: Socket): void {
    this.#pipe?.destroy()
    this.#pipe = pipe
    pipe.unref()
    pipe.on('error', (err) => this.#logger.warn({ err }, 'the ban helper is gone: bans are this process\u2019s own until it is back'))
    this.#tellAll()
  }

  set(network: string, seconds: number): void {
    this.#order(formatBanOrder(network, seconds))
  }

  /** Ends what was ordered before, by whomever: what stands is ordered next. */
  forget(): void {
    this.#order(forgetBansOrder)
  }

  #order(line: string): void {
    const pipe = this.#pipe
    if (pipe?.writable === true && pipe.writableLength < waitingBytesMax) pipe.write(line)
  }

  close(): void {
    this.#pipe?.destroy()
  }
}
