import type { JWK } from 'jose'

export type RandomBytes = (length: number) => Uint8Array
export type Identifier = { readonly type: string; readonly value: string }
export type Account = { readonly id: string; readonly jwk: JWK; readonly thumbprint: string; readonly contact: readonly string[] }
export type Authorization = {
  readonly id: string; readonly account: string; readonly identifier: Identifier; token: string
  status: 'pending' | 'valid' | 'invalid'; challenge: 'pending' | 'processing' | 'valid' | 'invalid'; error?: object
}
export type Order = {
  readonly id: string; readonly account: string; readonly identifiers: readonly Identifier[]; readonly authorizations: readonly string[]
  readonly replaces: string | undefined; status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid'; chain?: string
}

/** More than this many of anything, and the oldest goes: a simulator that runs for long does not grow. */
const kept = 10_000

/** What this authority knows, in memory: one that is started anew knows nothing, which clients must live with. */
export class Books {
  readonly accounts = new Map<string, Account>()
  readonly orders = new Map<string, Order>()
  readonly authorizations = new Map<string, Authorization>()
  readonly revoked = new Set<string>()
  readonly #nonces = new Set<string>()
  readonly #randomBytes: RandomBytes

  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes
  }

  newName(): string {
    return Buffer.from(this.#randomBytes(16)).toString('base64url')
  }

  newToken(): string {
    return Buffer.from(this.#randomBytes(32)).toString('base64url')
  }

  newNonce(): string {
    const nonce = this.newName()
    this.#nonces.add(nonce)
    return trim(this.#nonces, nonce)
  }

  /** @returns whether it was ours and is spent only now (RFC 8555 §6.5) */
  spendNonce(nonce: unknown): boolean {
    return typeof nonce === 'string' && this.#nonces.delete(nonce)
  }

  accountOf(jwkThumbprint: string): Account | undefined {
    return [...this.accounts.values()].find(({ thumbprint }) => thumbprint === jwkThumbprint)
  }

  keep<T extends { readonly id: string }>(map: Map<string, T>, value: T): T {
    map.set(value.id, value)
    const oldest = map.keys().next().value
    if (map.size > kept && oldest !== undefined) map.delete(oldest)
    return value
  }

  /** The order's state, as its authorizations make it. */
  stateOf(order: Order): Order['status'] {
    if (order.status !== 'pending') return order.status
    const states = order.authorizations.map((id) => this.authorizations.get(id)?.status)
    if (states.includes('invalid')) order.status = 'invalid'
    else if (states.every((state) => state === 'valid')) order.status = 'ready'
    return order.status
  }
}

function trim(nonces: Set<string>, nonce: string): string {
  const oldest = nonces.values().next().value
  if (nonces.size > kept && oldest !== undefined) nonces.delete(oldest)
  return nonce
}
