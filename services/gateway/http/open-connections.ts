import type { Requests } from './slow-connections.ts'

/** What is asked of a connection here. */
export type Connection = {
  readonly remoteAddress?: string | undefined
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
}
/** Of each connection: since when its handshake is under way, or what was asked on it since. */
type Held = { readonly network: string; readonly sinceMs: number; requests: Requests | undefined }

export type OpenConnectionsBounds = {
  readonly total: number
  readonly perNetwork: number
  /** How long a handshake may take before it gives its place to whoever finds none. */
  readonly handshakeMs: number
}

/**
 * The connections that are open, by network. Where all places are taken somebody loses his for a newcomer: first whoever
 * has let his handshake lie, then an idle one of the network that has most. So places are divided as if everybody had
 * asked at once, and who wants to shut others out needs as many networks as there are places. What is being answered keeps
 * its place.
 */
export class OpenConnections<S extends Connection> {
  readonly #bounds: OpenConnectionsBounds
  readonly #monotonicMs: () => number
  readonly #held = new Map<S, Held>()
  // Open ones only, so that it is bounded by the connections of the whole server; each set in the order in which they came.
  readonly #byNetwork = new Map<string, Set<S>>()
  /** In the order in which they began. */
  readonly #handshakes = new Set<S>()

  constructor(bounds: OpenConnectionsBounds, monotonicMs: () => number) {
    this.#bounds = bounds
    this.#monotonicMs = monotonicMs
  }

  get size(): number {
    return this.#held.size
  }

  get networks(): number {
    return this.#byNetwork.size
  }

  countOf(network: string): number {
    return this.#byNetwork.get(network)?.size ?? 0
  }

  /** Counts a connection until it closes. @returns whether there was, or is now, a place for it */
  take(socket: S, network: string): boolean {
    const own = this.countOf(network)
    if (own >= this.#bounds.perNetwork || (this.#held.size >= this.#bounds.total && !this.#makeRoom(own))) return false
    this.#held.set(socket, { network, sinceMs: this.#monotonicMs(), requests: undefined })
    this.#handshakes.add(socket)
    const others = this.#byNetwork.get(network)
    if (others === undefined) this.#byNetwork.set(network, new Set([socket]))
    else others.add(socket)
    socket.once('close', () => this.#forget(socket))
    return true
  }

  /** Its handshake is over; what is asked on it is told by `requests`. */
  begin(socket: S, requests: Requests): void {
    this.#handshakes.delete(socket)
    const held = this.#held.get(socket)
    if (held !== undefined) held.requests = requests
  }

  /** Ends every connection of networks that may have none any more. @returns how many */
  endWhere(isRefused: (address: string | undefined) => boolean): number {
    let ended = 0
    for (const sockets of this.#byNetwork.values()) {
      const [first] = sockets
      if (!isRefused(first?.remoteAddress)) continue
      for (const socket of sockets) {
        this.#end(socket)
        ended++
      }
    }
    return ended
  }

  #makeRoom(own: number): boolean {
    const victim = this.#lyingHandshake() ?? this.#idleOfLargest(own)
    if (victim === undefined) return false
    this.#end(victim)
    return true
  }

  #lyingHandshake(): S | undefined {
    const [oldest] = this.#handshakes
    const sinceMs = oldest === undefined ? undefined : this.#held.get(oldest)?.sinceMs
    return sinceMs !== undefined && this.#monotonicMs() - sinceMs >= this.#bounds.handshakeMs ? oldest : undefined
  }

  /** Of networks that keep more than the newcomer's will have. */
  #idleOfLargest(own: number): S | undefined {
    const larger = [...this.#byNetwork.values()].filter(({ size }) => size > own + 1).sort((one, other) => other.size - one.size)
    for (const sockets of larger) {
      for (const socket of sockets) if (isIdle(this.#held.get(socket)?.requests)) return socket
    }
    return undefined
  }

  /** Its `close` comes later; its place is free now. */
  #end(socket: S): void {
    this.#forget(socket)
    socket.destroy()
  }

  #forget(socket: S): void {
    const network = this.#held.get(socket)?.network
    if (network === undefined) return
    this.#held.delete(socket)
    this.#handshakes.delete(socket)
    const others = this.#byNetwork.get(network)
    others?.delete(socket)
    if (others?.size === 0) this.#byNetwork.delete(network)
  }
}

/** Nothing of it is in a handler: it has asked nothing, or has not sent all of what it asks. */
function isIdle(requests: Requests | undefined): boolean {
  return requests === undefined || requests.open === 0 || (requests.open === 1 && requests.last?.complete === false)
}
