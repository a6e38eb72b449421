import type { Socket } from 'node:net'
import { IdleTable, networkOf, paceOf, TokenBucket, type Limit } from '@ngome/access'

/** Networks with a bucket of their own: about 200 bytes each. Only one that was spent takes a place for long. */
const networksMax = 65_536
/** Where those are all taken, newcomers share one for each IPv4 /24 and IPv6 /48, which cost an attacker more to come by. */
const coarseNetworksMax = 16_384
/** A connection that was reset before we saw it has no address any more; it is about to close. */
const gone = 'gone'
/** Groups of an IPv6 /48. */
const coarseGroups = 3

/** A bucket that was forgotten because it was full; whoever still holds it looks for its successor. */
export class NetworkBucket extends TokenBucket {
  isGone = false
}

type Connection = Pick<Socket, 'remoteAddress'>
/** A request, as far as its address pays for it. */
export type Paying = { readonly socket: Connection; addressBucket: NetworkBucket | undefined }

/** One bucket for each network that requests come from, in bounded memory: made-up addresses get coarser ones, never more. */
export class AddressLimits {
  readonly limit: Limit
  readonly #exact: IdleTable<string, NetworkBucket>
  readonly #coarse: IdleTable<string, NetworkBucket>
  /** Of whoever finds no place in either. */
  readonly #rest: NetworkBucket
  readonly #nowUs: () => number
  readonly #ofSocket = new WeakMap<Connection, NetworkBucket>()

  constructor(limit: Limit, nowUs: () => number, bounds: { readonly networks: number; readonly coarse: number } = { networks: networksMax, coarse: coarseNetworksMax }) {
    this.limit = limit
    this.#nowUs = nowUs
    const tableOf = (max: number): IdleTable<string, NetworkBucket> => new IdleTable({
      max, isIdle: (bucket, atUs) => bucket.fullInUs(atUs) === 0, onGone: (bucket) => { bucket.isGone = true },
    })
    this.#exact = tableOf(bounds.networks)
    this.#coarse = tableOf(bounds.coarse)
    this.#rest = this.#newBucket(nowUs())
  }

  get size(): number {
    return this.#exact.size + this.#coarse.size
  }

  /** The bucket of the address that a request came from, which the request keeps for the next who asks. */
  of(request: Paying): TokenBucket {
    const { addressBucket: held, socket } = request
    if (held !== undefined && !held.isGone) return held
    const found = this.#ofConnection(socket)
    request.addressBucket = found
    return found
  }

  #ofConnection(socket: Connection): NetworkBucket {
    const known = this.#ofSocket.get(socket)
    if (known !== undefined && !known.isGone) return known
    const found = this.#find(networkOf(socket.remoteAddress ?? '') ?? gone)
    this.#ofSocket.set(socket, found)
    return found
  }

  #find(network: string): NetworkBucket {
    const nowUs = this.#nowUs()
    return this.#findIn(this.#exact, network, nowUs) ?? this.#findIn(this.#coarse, coarseOf(network), nowUs) ?? this.#rest
  }

  #findIn(table: IdleTable<string, NetworkBucket>, network: string, nowUs: number): NetworkBucket | undefined {
    const known = table.get(network)
    if (known !== undefined) return known
    const made = this.#newBucket(nowUs)
    return table.add(network, made, nowUs) ? made : undefined
  }

  #newBucket(nowUs: number): NetworkBucket {
    return new NetworkBucket(paceOf(this.limit), 0, nowUs)
  }
}

/** Of what `networkOf` says: an IPv4 address's /24, an IPv6 network's /48. */
function coarseOf(network: string): string {
  return network.includes('.') ? network.slice(0, network.lastIndexOf('.')) : network.split(':', coarseGroups).join(':')
}
