import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { ApiUser, Books } from './books.ts'
import { environments } from './environments.ts'
import type { Product } from './operations.ts'
import { refusal, type Refusal } from './refusal.ts'

/** MTN's tokens live an hour. */
export const tokenLifeS = 3600
/** A subscription key as the portal shows it. */
const subscriptionKeyPattern = /^[0-9a-f]{32}$/

/** Who calls, for which environment; what {@link Callers.authorise} has proven. */
export type Caller = { readonly user: ApiUser; readonly environment: string; readonly currency: string }

export type RandomBytes = (length: number) => Buffer

/** Tokens and the checks of a caller's headers. Tokens live in memory: a restart answers 401 to all of them. */
export class Callers {
  readonly #books: Books
  readonly #nowMs: () => number
  readonly #randomBytes: RandomBytes
  readonly #tokens = new Map<string, { readonly user: ApiUser; readonly product: Product; readonly expiresAtMs: number }>()

  constructor(books: Books, nowMs: () => number, randomBytes: RandomBytes) {
    this.#books = books
    this.#nowMs = nowMs
    this.#randomBytes = randomBytes
  }

  subscriptionKey(headers: IncomingHttpHeaders): string | Refusal {
    const key = single(headers['ocp-apim-subscription-key'])
    if (key === undefined) return accessDenied('Access denied due to missing subscription key.')
    return subscriptionKeyPattern.test(key) ? key : accessDenied('Access denied due to invalid subscription key.')
  }

  issueToken(headers: IncomingHttpHeaders, product: Product): string | Refusal {
    const subscriptionKey = this.subscriptionKey(headers)
    if (typeof subscriptionKey !== 'string') return subscriptionKey
    const match = /^Basic ([A-Za-z0-9+/=]+)$/.exec(headers.authorization ?? '')
    const [id = '', ...key] = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8').split(':')
    const user = this.#books.user(id)
    if (user?.keyDigest === undefined || !isEqual(user.keyDigest, digestOf(key.join(':')))) {
      return { status: 401, body: { error: 'login_failed' } }
    }
    const isSubscribed = user.subscriptionKey === subscriptionKey && (user.product ?? product) === product
    if (!isSubscribed) return accessDenied('Access denied due to invalid subscription key.')
    this.#forgetExpired()
    const token = this.#randomBytes(32).toString('base64url')
    this.#tokens.set(token, { user, product, expiresAtMs: this.#nowMs() + tokenLifeS * 1000 })
    return token
  }

  authorise(headers: IncomingHttpHeaders, product: Product): Caller | Refusal {
    const subscriptionKey = this.subscriptionKey(headers)
    if (typeof subscriptionKey !== 'string') return subscriptionKey
    const token = this.#tokens.get(/^Bearer ([A-Za-z0-9_-]+)$/.exec(headers.authorization ?? '')?.[1] ?? '')
    if (token?.product !== product || token.expiresAtMs <= this.#nowMs()) return unauthorised
    const { user } = token
    if (user.subscriptionKey !== subscriptionKey) return accessDenied('Access denied due to invalid subscription key.')
    const name = single(headers['x-target-environment']) ?? ''
    const environment = environments.get(name)
    if (environment === undefined || user.environment !== name) {
      return refusal(500, 'NOT_ALLOWED_TARGET_ENVIRONMENT', 'Access to target environment is forbidden.')
    }
    return { user, environment: name, currency: environment.currency }
  }

  #forgetExpired(): void {
    for (const [token, { expiresAtMs }] of this.#tokens) if (expiresAtMs <= this.#nowMs()) this.#tokens.delete(token)
  }
}

export const unauthorised: Refusal = { status: 401, body: { code: 'INVALID_TOKEN', message: 'Access token is invalid or has expired.' } }

export function digestOf(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex')
}

export function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

function accessDenied(message: string): Refusal {
  return { status: 401, body: { statusCode: 401, message } }
}
