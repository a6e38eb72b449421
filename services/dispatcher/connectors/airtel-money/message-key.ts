import { createHash, type KeyObject } from 'node:crypto'
import { equalsInConstantTime, type Clock } from '@ngome/kernel'
import { parseMessage } from '../parse-message.ts'
import { keySchema } from './messages.ts'
import { parseRsaKey } from './parse-rsa-key.ts'

const bitsMin = 2048
/** However long Airtel says that a key is valid, it is asked again after this. */
const heldMsMax = 3_600_000

/** Keeps Airtel's key for messages: one request at a time for a new one, and none that is weak, over, or not the pinned one. */
export class MessageKey {
  readonly #fetch: () => Promise<Uint8Array | undefined>
  readonly #pin: string | undefined
  readonly #clock: Clock
  #held: { readonly key: KeyObject; readonly untilMs: number } | undefined
  #fetching: Promise<KeyObject | undefined> | undefined

  /**
   * @param fetch gives the body of the answer, or `undefined` where there is none now
   * @param pin SHA-256 of the key's DER in hexadecimal, where the operator pinned it
   */
  constructor(fetch: () => Promise<Uint8Array | undefined>, pin: string | undefined, clock: Clock) {
    this.#fetch = fetch
    this.#pin = pin
    this.#clock = clock
  }

  /** @returns `undefined` where Airtel gives no key now that may be used */
  get(): Promise<KeyObject | undefined> {
    if (this.#held !== undefined && this.#clock.nowMs() < this.#held.untilMs) return Promise.resolve(this.#held.key)
    this.#fetching ??= this.#renew().finally(() => { this.#fetching = undefined })
    return this.#fetching
  }

  /** Forgets a key whose signature was refused; one that has been replaced meanwhile stays. */
  forget(refused: KeyObject): void {
    if (this.#held?.key === refused) this.#held = undefined
  }

  async #renew(): Promise<KeyObject | undefined> {
    const nowMs = this.#clock.nowMs()
    const body = await this.#fetch()
    const shown = body === undefined ? undefined : parseMessage(keySchema, body)?.data
    const key = shown === undefined ? undefined : parseRsaKey(shown.key, bitsMin)
    const endsAtMs = Date.parse(shown?.valid_upto ?? '')
    if (key === undefined || !(endsAtMs > nowMs) || !this.#isPinned(key)) return undefined
    this.#held = { key, untilMs: Math.min(endsAtMs, nowMs + heldMsMax) }
    return key
  }

  #isPinned(key: KeyObject): boolean {
    if (this.#pin === undefined) return true
    const digest = createHash('sha256').update(key.export({ format: 'der', type: 'spki' })).digest()
    return equalsInConstantTime(digest, Buffer.from(this.#pin, 'hex'))
  }
}
