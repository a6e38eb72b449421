import { networkOf } from '@ngome/access'
import { AddressConnections, type Connection } from './address-connections.ts'
import { ConnectionPace } from './connection-pace.ts'
import type { ConnectionRefusal, Defence } from './defence.ts'
import { connectionsPerAddressMax } from './limits.ts'

/** Decides on each raw connection, before its handshake costs anything. */
export class ConnectionGate {
  readonly #defence: Defence
  readonly #counts = new AddressConnections(connectionsPerAddressMax)
  readonly #pace: ConnectionPace

  constructor(defence: Defence, monotonicMs: () => number) {
    this.#defence = defence
    this.#pace = new ConnectionPace(monotonicMs)
  }

  /** Counts a connection until it closes, or ends it now. @returns whether it may go on */
  take(socket: Connection): boolean {
    const why = this.#refusal(socket)
    if (why === undefined) return true
    this.#defence.onConnectionRefused(why)
    if (why !== 'banned') this.#defence.onMisdeed(why, socket.remoteAddress)
    socket.destroy()
    return false
  }

  sweep(): void {
    this.#pace.sweep()
  }

  #refusal(socket: Connection): ConnectionRefusal | undefined {
    const { remoteAddress } = socket
    if (this.#defence.isBanned(remoteAddress)) return 'banned'
    // A connection that was reset before we saw it has no address any more; it is about to close.
    const network = networkOf(remoteAddress ?? '') ?? 'gone'
    if (!this.#defence.isTrusted(remoteAddress) && !this.#pace.take(network)) return 'too_fast'
    return this.#counts.take(socket, network) ? undefined : 'too_many'
  }
}
