export type Connection = {
  readonly remoteAddress?: string | undefined
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
}

/** Counts the connections of each remote address. */
export class AddressConnections {
  readonly #max: number
  // Open ones only, so that it is bounded by the connections of the whole server.
  readonly #counts = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** Counts a connection until it closes. @returns false where its network has as many as it may */
  take(socket: Pick<Connection, 'once'>, network: string): boolean {
    const count = this.#counts.get(network) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(network, count + 1)
    socket.once('close', () => {
      const left = (this.#counts.get(network) ?? 0) - 1
      if (left > 0) this.#counts.set(network, left)
      else this.#counts.delete(network)
    })
    return true
  }

  get size(): number {
    return this.#counts.size
  }
}
