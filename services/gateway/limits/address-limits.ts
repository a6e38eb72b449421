import type { Socket } from 'node:net'
import { BucketBlock, IdleTable, networkOf, OwnMeter, paceOf, Places, type Limit } from '@ngome/access'

/** Networks with a bucket of their own: about 150 bytes each. Only one that was spent takes a place for long. */
const networksMax = 65_536
/** Where those are all taken, newcomers share one for each IPv4 /24 and IPv6 /48, which cost an attacker more to come by. */
const coarseNetworksMax = 16_384
/** A connection that was reset before we saw it has no address any more; it is about to close. */
const gone = 'gone'
/** Groups of an IPv6 /48. */
const coarseGroups = 3

/** Once it was forgotten because it was full, whoever still holds it looks for its successor: its place may be another's. */
export class NetworkBucket extends OwnMeter {
  isGone = false
  readonly at: number

  constructor(limit: Limit, own: { readonly block: BucketBlock; readonly at: number }) {
    super(limit, { paceOf, ...own })
    this.at = own.at
  }
}

type Networks = { readonly table: IdleTable<string, NetworkBucket>; readonly places: Places }

/** Where a connection keeps its bucket: found sooner than in a table of all that are open. */
const kept = Symbol('the bucket of its address')
type Connection = Pick<Socket, 'remoteAddress'> & { [kept]?: NetworkBucket }
/** A request, as far as its address pays for it. */
export type Paying = { readonly socket: Connection; addressBucket: NetworkBucket | undefined }

/** One bucket for each network that requests come from, in bounded memory: made-up addresses get coarser ones, never more. */
export class AddressLimits {
  readonly limit: Limit
  readonly #block: BucketBlock
  readonly #exact: Networks
  readonly #coarse: Networks
  /** Of whoever finds no place in either. */
  readonly #rest: NetworkBucket
  readonly #nowUs: () => number

  constructor(limit: Limit, nowUs: () => number, bounds: { readonly networks: number; readonly coarse: number } = { networks: networksMax, coarse: coarseNetworksMax }) {
    this.limit = limit
    this.#nowUs = nowUs
    // One more of each than there is room for: who finds none gives his back. And one for the rest.
    const [exact, coarse] = [bounds.networks + 1, bounds.coarse + 1]
    this.#block = new BucketBlock(exact + coarse + 1)
    this.#exact = networksIn(this.#block, { begin: 0, max: exact })
    this.#coarse = networksIn(this.#block, { begin: exact, max: coarse })
    this.#rest = new NetworkBucket(limit, { block: this.#block, at: exact + coarse })
  }

  get size(): number {
    return this.#exact.table.size + this.#coarse.table.size
  }

  /** The bucket of the address that a request came from, which the request keeps for the next who asks. */
  of(request: Paying): NetworkBucket {
    const { addressBucket: held, socket } = request
    if (held !== undefined && !held.isGone) return held
    const found = this.#ofConnection(socket)
    request.addressBucket = found
    return found
  }

  #ofConnection(socket: Connection): NetworkBucket {
    const known = socket[kept]
    if (known !== undefined && !known.isGone) return known
    const found = this.#find(networkOf(socket.remoteAddress ?? '') ?? gone)
    socket[kept] = found
    return found
  }

  #find(network: string): NetworkBucket {
    const nowUs = this.#nowUs()
    return this.#findIn(this.#exact, network, nowUs) ?? this.#findIn(this.#coarse, coarseOf(network), nowUs) ?? this.#rest
  }

  #findIn({ table, places }: Networks, network: string, nowUs: number): NetworkBucket | undefined {
    const known = table.get(network)
    if (known !== undefined) return known
    const made = new NetworkBucket(this.limit, { block: this.#block, at: places.take() })
    if (table.add(network, made, nowUs)) return made
    places.release(made.at)
    return undefined
  }
}

function networksIn(block: BucketBlock, { begin, max }: { readonly begin: number; readonly max: number }): Networks {
  const places = new Places(block, { begin, max, each: 1 })
  const table = new IdleTable<string, NetworkBucket>({
    max: max - 1,
    isIdle: (bucket, atUs) => bucket.fullInUs(atUs) === 0,
    onGone: (bucket) => {
      bucket.isGone = true
      places.release(bucket.at)
    },
  })
  return { table, places }
}

/** Of what `networkOf` says: an IPv4 address's /24, an IPv6 network's /48. */
function coarseOf(network: string): string {
  return network.includes('.') ? network.slice(0, network.lastIndexOf('.')) : network.split(':', coarseGroups).join(':')
}
