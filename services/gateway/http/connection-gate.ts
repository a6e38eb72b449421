import { BlockList, type Socket } from 'node:net'
import { networkOf } from '@ngome/access'
import { ConnectionPace } from './connection-pace.ts'
import type { ConnectionRefusal, Defence } from './defence.ts'
import { connectionsMax, connectionsPerAddressMax, handshakePatienceMs } from './limits.ts'
import { OpenConnections, type Connection } from './open-connections.ts'
import type { Requests } from './slow-connections.ts'

/** Decides on each raw connection, before its handshake costs anything, and ends those of who was banned since. */
export class ConnectionGate<S extends Connection = Socket> {
  readonly #defence: Defence
  readonly #open: OpenConnections<S>
  readonly #pace: ConnectionPace

  constructor(defence: Defence, monotonicMs: () => number) {
    this.#defence = defence
    this.#open = new OpenConnections({ total: connectionsMax, perNetwork: connectionsPerAddressMax, handshakeMs: handshakePatienceMs }, monotonicMs)
    this.#pace = new ConnectionPace(monotonicMs)
  }

  /** Whether a connection of this address is ended as soon as it was accepted. */
  refuses(address: string | undefined): boolean {
    const why = this.#refusal(address)
    if (why !== undefined) this.#tell(why, address)
    return why !== undefined
  }

  /** Counts a connection that was not refused until it closes, or ends it now. @returns whether it may go on */
  take(socket: S): boolean {
    // A connection that was reset before we saw it has no address any more; it is about to close.
    if (this.#open.take(socket, networkOf(socket.remoteAddress ?? '') ?? 'gone')) return true
    this.#tell('too_many', socket.remoteAddress)
    socket.destroy()
    return false
  }

  /** The handshake of a connection is over. */
  begin(socket: S, requests: Requests): void {
    this.#open.begin(socket, requests)
  }

  sweep(): void {
    this.#pace.sweep()
    // As in the kernel, where a ban drops the packets of connections that stand as well.
    const ended = this.#open.endWhere((address) => this.#defence.isBanned(address))
    for (let count = 0; count < ended; count++) this.#defence.onConnectionRefused('banned')
  }

  #tell(why: ConnectionRefusal, address: string | undefined): void {
    this.#defence.onConnectionRefused(why)
    if (why !== 'banned') this.#defence.onMisdeed(why, address)
  }

  #refusal(address: string | undefined): ConnectionRefusal | undefined {
    if (this.#defence.isBanned(address)) return 'banned'
    const network = networkOf(address ?? '') ?? 'gone'
    if (!this.#defence.isTrusted(address) && !this.#pace.take(network)) return 'too_fast'
    return this.#open.countOf(network) >= connectionsPerAddressMax ? 'too_many' : undefined
  }
}

/**
 * The gate as what Node asks about each connection's address before it makes anything of the connection: who is refused
 * here costs little more than the kernel's accept and close.
 */
export class GateList extends BlockList {
  readonly #refuses: (address: string) => boolean

  constructor(gate: Pick<ConnectionGate, 'refuses'>) {
    super()
    this.#refuses = (address) => gate.refuses(address)
  }

  override check(address: unknown): boolean {
    return this.#refuses(String(address))
  }
}
