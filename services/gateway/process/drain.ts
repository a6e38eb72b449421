import { Server as NetServer, type Socket } from 'node:net'
import { drainDeadlineMs } from '../http/limits.ts'
import type { PublicServer } from '../http/public-server.ts'

/** The ways out: with a successor that takes over, or without one. */
export class Drain {
  readonly #server: PublicServer
  readonly #onEmpty: () => Promise<void>
  readonly #connections = new Set<Socket>()
  #isDraining = false
  #last: Promise<void> | undefined

  /** @param onEmpty the last thing of a drain, when nothing is left that could seal */
  constructor(server: PublicServer, onEmpty: () => Promise<void>) {
    this.#server = server
    this.#onEmpty = onEmpty
    // The raw connections, so that those in a handshake count too.
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

  /** Whether every answer ends its connection. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /**
   * Takes no new connection and waits until the last one has ended: a busy one after its answer, an idle one by the
   * timeout that its client was told. Closing an idle connection ourselves would lose a request that is on its way.
   * @returns how many connections were still open at the deadline
   */
  async drain(): Promise<number> {
    this.#isDraining = true
    // `http.Server.close` would end idle connections at once; the plain one only stops listening.
    NetServer.prototype.close.call(this.#server)
    return this.#untilEmpty(drainDeadlineMs)
  }

  /** As {@link drain}, for a shutdown without a successor: idle connections are ended now, since nobody will answer. */
  async end(deadlineMs: number): Promise<number> {
    this.#isDraining = true
    this.#server.close()
    return this.#untilEmpty(deadlineMs)
  }

  async #untilEmpty(deadlineMs: number): Promise<number> {
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, deadlineMs)
      const look = (): void => {
        if (this.#connections.size > 0) return
        clearTimeout(deadline)
        resolve()
      }
      for (const socket of this.#connections) socket.once('close', () => setImmediate(look))
      look()
    })
    const left = this.#connections.size
    for (const socket of this.#connections) socket.destroy()
    // Ends the search for slow requests as well, which kept running for those that were under way.
    this.#server.close()
    await (this.#last ??= this.#onEmpty())
    return left
  }
}
