import type { Clock, Secret } from '@ngome/kernel'

export type Token = { readonly text: Secret<string>; readonly lifeS: number }

/** A token that lives shorter than the margin is used for half its life, rather than fetched for each call. */
const shortLifeShare = 0.5

/** Keeps one token of a network's product for everybody: never one for each transaction, and one request at a time for a new one. */
export class TokenCache {
  readonly #request: () => Promise<Token | undefined>
  readonly #clock: Clock
  readonly #refreshEarlyS: number
  #held: { readonly text: Secret<string>; readonly freshUntilMs: number } | undefined
  #requesting: Promise<Secret<string> | undefined> | undefined

  /** @param refreshEarlyS how long before its end a token is no longer used */
  constructor(request: () => Promise<Token | undefined>, clock: Clock, refreshEarlyS: number) {
    this.#request = request
    this.#clock = clock
    this.#refreshEarlyS = refreshEarlyS
  }

  /** @returns the token, or `undefined` where the network gives none now */
  get(): Promise<Secret<string> | undefined> {
    if (this.#held !== undefined && this.#clock.nowMs() < this.#held.freshUntilMs) return Promise.resolve(this.#held.text)
    return this.renew()
  }

  /** As {@link get}, but asks the network in any case. */
  renew(): Promise<Secret<string> | undefined> {
    this.#requesting ??= this.#renew().finally(() => { this.#requesting = undefined })
    return this.#requesting
  }

  /** Forgets a token that the network refused; one that has been replaced meanwhile stays. */
  forget(refused: Secret<string>): void {
    if (this.#held?.text === refused) this.#held = undefined
  }

  async #renew(): Promise<Secret<string> | undefined> {
    const startedAtMs = this.#clock.nowMs()
    const token = await this.#request()
    if (token === undefined) return undefined
    const usableS = Math.max(token.lifeS - this.#refreshEarlyS, token.lifeS * shortLifeShare)
    // Counted from before the request, since the network began to count before its answer came.
    this.#held = { text: token.text, freshUntilMs: startedAtMs + usableS * 1000 }
    return token.text
  }
}
