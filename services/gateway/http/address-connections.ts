import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

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

/**
 * The network that counts as one: an IPv4 address, also where it came mapped into IPv6, and of an IPv6 address its /64.
 * Written as bans are (`parseBanNetwork`).
 */
export function networkOf(remoteAddress: string | undefined): string {
  // A connection that was reset before we saw it has no address any more; it is about to close.
  if (remoteAddress === undefined) return 'gone'
  if (isIPv4(remoteAddress)) return `${remoteAddress}/32`
  if (!ipaddr.isValid(remoteAddress)) return 'gone'
  const address = ipaddr.process(remoteAddress)
  if (address.kind() === 'ipv4') return `${address.toString()}/32`
  const bytes = address.toByteArray()
  const groups = [0, 2, 4, 6].map((at) => ((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)).toString(16))
  return `${groups.join(':')}::/64`
}
