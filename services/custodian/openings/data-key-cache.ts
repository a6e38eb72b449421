import type { KeyObject } from 'node:crypto'
import { toBase64Url, type Clock } from '@ngome/kernel'

/** A gateway makes one data key for each tenant and retention class an hour: a thousand covers the busy ones. */
const keysMax = 1_024
/** Long enough for the openings of one burst, short against the 72 hours that a data key is good for. */
export const keyLifeMs = 60_000
/** After so long nothing is left of a data key that was put in: it has ended, and a sweep has gone over it. */
export const cachedMsMax = 2 * keyLifeMs

type Cached = { readonly key: Promise<KeyObject>; readonly untilMs: number }

/**
 * Data keys that were opened a moment ago. What is found was proven for these very bytes: the name of an entry is the
 * hash of the whole sealed data key, its signature included.
 */
export class DataKeyCache {
  readonly #clock: Clock
  readonly #keys = new Map<string, Cached>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Finds the key, or opens it; calls that arrive meanwhile wait for the same opening. Failures are not kept. */
  get(hash: Uint8Array, open: () => Promise<KeyObject>): Promise<KeyObject> {
    const name = toBase64Url(hash)
    const nowMs = this.#clock.nowMs()
    const found = this.#keys.get(name)
    if (found !== undefined && found.untilMs > nowMs) return found.key
    const cached = { key: open(), untilMs: nowMs + keyLifeMs }
    this.#keys.delete(name)
    this.#keys.set(name, cached)
    cached.key.catch(() => {
      if (this.#keys.get(name) === cached) this.#keys.delete(name)
    })
    // In the order in which they were opened, so that the first is the one that has to go anyway.
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= keysMax) break
      this.#keys.delete(oldest)
    }
    return cached.key
  }

  /** Drops what has ended, so that an idle custodian holds no data key. */
  sweep(): void {
    const nowMs = this.#clock.nowMs()
    for (const [name, { untilMs }] of this.#keys) {
      if (untilMs <= nowMs) this.#keys.delete(name)
    }
  }

  clear(): void {
    this.#keys.clear()
  }

  get size(): number {
    return this.#keys.size
  }
}
