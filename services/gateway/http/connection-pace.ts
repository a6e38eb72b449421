import { newConnectionsBurst, newConnectionsPerS, pacedNetworksMax } from './limits.ts'

type Purse = { tokens: number; atMs: number }

/**
 * How many new connections a network may open: a token bucket for each, since a handshake costs us more than it costs
 * the client. Networks past the bound on their number share one purse: whoever invents networks pays for all of them.
 */
export class ConnectionPace {
  readonly #purses = new Map<string, Purse>()
  readonly #shared: Purse
  readonly #monotonicMs: () => number

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
    this.#shared = { tokens: newConnectionsBurst, atMs: monotonicMs() }
  }

  get size(): number {
    return this.#purses.size
  }

  /** @returns whether the network may open one more connection now */
  take(network: string): boolean {
    const nowMs = this.#monotonicMs()
    const purse = this.#purseOf(network, nowMs)
    purse.tokens = tokensAt(purse, nowMs)
    purse.atMs = nowMs
    if (purse.tokens < 1) return false
    purse.tokens--
    return true
  }

  /** Forgets networks whose purse is full again. */
  sweep(): void {
    const nowMs = this.#monotonicMs()
    for (const [network, purse] of this.#purses) {
      if (tokensAt(purse, nowMs) >= newConnectionsBurst) this.#purses.delete(network)
    }
  }

  #purseOf(network: string, nowMs: number): Purse {
    const known = this.#purses.get(network)
    if (known !== undefined) return known
    if (this.#purses.size >= pacedNetworksMax) return this.#shared
    const purse = { tokens: newConnectionsBurst, atMs: nowMs }
    this.#purses.set(network, purse)
    return purse
  }
}

function tokensAt({ tokens, atMs }: Purse, nowMs: number): number {
  return Math.min(newConnectionsBurst, tokens + (nowMs - atMs) * newConnectionsPerS / 1_000)
}
