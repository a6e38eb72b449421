import ipaddr from 'ipaddr.js'

/** An IPv6 subscriber is given a whole /64 (RFC 6177): whoever has one address of it has them all. */
const networkBytes = 8

type Connection = {
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

  /** Counts a connection until it closes, or ends it now where its address has as many as it may. */
  take(socket: Connection): void {
    const network = networkOf(socket.remoteAddress)
    const count = this.#counts.get(network) ?? 0
    if (count >= this.#max) {
      socket.destroy()
      return
    }
    this.#counts.set(network, count + 1)
    socket.once('close', () => {
      const left = (this.#counts.get(network) ?? 0) - 1
      if (left > 0) this.#counts.set(network, left)
      else this.#counts.delete(network)
    })
  }

  get size(): number {
    return this.#counts.size
  }
}

/** An IPv4 address as it is, also where it came mapped into IPv6; of an IPv6 address its network. */
export function networkOf(remoteAddress: string | undefined): string {
  // A connection that was reset before we saw it has no address any more; it is about to close.
  if (remoteAddress === undefined || !ipaddr.isValid(remoteAddress)) return 'gone'
  const address = ipaddr.process(remoteAddress)
  return address.kind() === 'ipv4'
    ? address.toString() : Buffer.from(address.toByteArray().slice(0, networkBytes)).toString('hex')
}
