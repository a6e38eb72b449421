import { BlockList, isIP } from 'node:net'
import { bansMax, parseBanOrder, type BanNetwork, type BanOrder } from '@ngome/kernel'

/** Orders at once, which is to forget what was and every ban when a gateway starts, and each second after that. */
const ordersBurst = bansMax + 1
const ordersPerS = 100
type Ban = Exclude<BanOrder, 'forget'>
/** The longest order is below 60 characters; what is longer is none. */
const lineLengthMax = 128
/** A subscriber's /64 is banned whole, so that one address of it is protected with all. */
const subscriberBits = 64

/**
 * Makes nftables scripts of what a gateway orders, which may have been stolen: only additions to our two sets, with an
 * end; never the machine's own addresses or the operator's, never faster or more than the bounds, and nothing else.
 */
export class BanKeeper {
  readonly #table: string
  readonly #monotonicMs: () => number
  // Apart, since one list would take an IPv4 address for its mapped form, which lies in the /64 of `::1`.
  readonly #never = { 4: new BlockList(), 6: new BlockList() } as const
  readonly #endsAtMs = new Map<string, number>()
  #waiting = new Map<string, Ban>()
  #forgets = false
  #rest = ''
  #tokens = ordersBurst
  #atMs: number
  #dropped = 0

  /** @param never CIDR; loopback is always among them */
  constructor(from: { readonly table: string; readonly never: readonly string[]; readonly monotonicMs: () => number }) {
    this.#table = from.table
    this.#monotonicMs = from.monotonicMs
    this.#atMs = from.monotonicMs()
    for (const text of ['127.0.0.0/8', '::1/128', ...from.never]) {
      const [address = '', bits = ''] = text.split('/')
      if (isIP(address) === 4) this.#never[4].addSubnet(address, Number(bits), 'ipv4')
      else this.#never[6].addSubnet(address, Math.min(Number(bits), subscriberBits), 'ipv6')
    }
  }

  /** Orders that were not obeyed since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** Takes what came over the pipe, in whatever pieces. */
  take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > lineLengthMax) {
      // Its end will be part of a line that is no order either.
      this.#rest = '#'
      this.#dropped++
    }
    for (const line of lines) this.#order(parseBanOrder(line))
  }

  /** @returns the script for what came since the last time, `undefined` where nothing did */
  script(): string | undefined {
    if (this.#waiting.size === 0 && !this.#forgets) return undefined
    const forget = this.#forgets ? [4, 6].map((family) => `flush set inet ${this.#table} bans${family}`) : []
    const orders = [...this.#waiting.values()]
    this.#waiting = new Map()
    this.#forgets = false
    return [...forget, ...orders.flatMap((order) => this.#lines(order))].join('\n') + '\n'
  }

  #order(order: BanOrder | undefined): void {
    if (order === 'forget' && this.#isInPace()) {
      this.#forget()
      return
    }
    if (order === undefined || order === 'forget' || !this.#isInPace() || this.#isProtected(order.network) || !this.#hasRoom(order)) {
      this.#dropped++
      return
    }
    const { network: { address }, seconds } = order
    if (seconds === 0) this.#endsAtMs.delete(address)
    else this.#endsAtMs.set(address, this.#monotonicMs() + seconds * 1_000)
    this.#waiting.set(address, order)
  }

  /** What was ordered before is void, also where the kernel has not heard of it yet. */
  #forget(): void {
    this.#waiting = new Map()
    this.#endsAtMs.clear()
    this.#forgets = true
  }

  #isInPace(): boolean {
    const nowMs = this.#monotonicMs()
    this.#tokens = Math.min(ordersBurst, this.#tokens + (nowMs - this.#atMs) * ordersPerS / 1_000)
    this.#atMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  #isProtected({ family, address }: BanNetwork): boolean {
    return this.#never[family].check(address, family === 4 ? 'ipv4' : 'ipv6')
  }

  #hasRoom({ network: { address }, seconds }: Ban): boolean {
    if (seconds === 0 || this.#endsAtMs.has(address) || this.#endsAtMs.size < bansMax) return true
    const nowMs = this.#monotonicMs()
    for (const [each, endsAtMs] of this.#endsAtMs) if (endsAtMs <= nowMs) this.#endsAtMs.delete(each)
    return this.#endsAtMs.size < bansMax
  }

  /** Added first, a deletion succeeds whether or not it was there; and one that stays is given its new end. */
  #lines({ network: { family, address }, seconds }: Ban): string[] {
    const set = `element inet ${this.#table} bans${family}`
    return [
      `add ${set} { ${address} timeout 1s }`, `delete ${set} { ${address} }`,
      ...(seconds === 0 ? [] : [`add ${set} { ${address} timeout ${seconds}s }`]),
    ]
  }
}
