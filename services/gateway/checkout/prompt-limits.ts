import { createHmac } from 'node:crypto'
import { IdleTable, nano, networkOf, TokenBucket, type Pace } from '@ngome/access'
import type { Random } from '@ngome/kernel'

/**
 * Three prompts of one phone at once, and one more each 500 s: a number that is mistyped and a PIN that is, and no stranger's
 * phone rings all night, whatever links somebody has.
 */
const phonePace: Pace = { capacity: 3 * nano, gain: 2 }
/**
 * Of one network (IPv4 address, IPv6 /64): thirty at once, one more each 5 s. Many phones share an address of their operator; those
 * that share a proxy of ours are not counted together.
 */
const networkPace: Pace = { capacity: 30 * nano, gain: 200 }
/** Entries of each; about 200 bytes each. Past it nobody new is asked until others are idle. */
const entriesMax = 50_000
const keyBytes = 32
const usPerSecond = 1_000_000

/**
 * How often payers are asked on their phones, by phone and by where the asking comes from, over all sessions and merchants. In
 * this process's memory alone: numbers under a key that ends with it.
 */
export class PromptLimits {
  readonly #key: Uint8Array
  readonly #nowUs: () => number
  readonly #isTrusted: (address: string | undefined) => boolean
  readonly #phones = tableOf()
  readonly #networks = tableOf()

  constructor(from: {
    readonly random: Random
    readonly nowUs: () => number
    /** Of addresses that the operator vouches for. */
    readonly isTrusted: (address: string | undefined) => boolean
  }) {
    this.#key = from.random.bytes(keyBytes)
    this.#nowUs = from.nowUs
    this.#isTrusted = from.isTrusted
  }

  /** Takes a prompt of both, or of none. @returns seconds to wait; 0 where the payer may be asked */
  take(phone: string, remoteAddress: string | undefined): number {
    const nowUs = this.#nowUs()
    const ofPhone = bucketOf(this.#phones, createHmac('sha256', this.#key).update(phone).digest('base64url'), phonePace, nowUs)
    const name = networkOf(remoteAddress ?? '') ?? 'gone'
    const ofNetwork = this.#isTrusted(remoteAddress) ? null : bucketOf(this.#networks, name, networkPace, nowUs)
    if (ofPhone === undefined || ofNetwork === undefined) return fullWaitS
    const waitUs = Math.max(ofPhone.waitUs(1, nowUs), ofNetwork?.waitUs(1, nowUs) ?? 0)
    if (waitUs > 0) return Math.ceil(waitUs / usPerSecond)
    ofPhone.spend(1)
    ofNetwork?.spend(1)
    return 0
  }
}

/** Where there is no room to remember another. */
const fullWaitS = 60

function tableOf(): IdleTable<string, TokenBucket> {
  return new IdleTable({ max: entriesMax, isIdle: (bucket, nowUs) => bucket.fullInUs(nowUs) === 0 })
}

function bucketOf(table: IdleTable<string, TokenBucket>, name: string, pace: Pace, nowUs: number): TokenBucket | undefined {
  const known = table.get(name)
  if (known !== undefined) return known
  // Full: who was never seen here was asked for nothing by us.
  const made = new TokenBucket(pace, nowUs - pace.capacity / pace.gain, nowUs)
  return table.add(name, made, nowUs) ? made : undefined
}
