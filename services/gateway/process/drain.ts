import { Server as NetServer, type Socket } from 'node:net'
import type { PublicServer } from '../http/public-server.ts'
import { drainDeadlineMs } from '../http/limits.ts'

/** Whether this process is on its way out: every answer from then on ends its connection. */
export class Drain {
  #isDraining = false
  readonly #connections = new Set<Socket>()
  readonly #server: PublicServer

  constructor(server: PublicServer) {
    this.#server = server
    // The raw connections, so that those in a handshake count too.
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

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
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, drainDeadlineMs)
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
    this.#server.close()
    return left
  }
}
