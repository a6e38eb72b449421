import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { routerRefusal, unauthorised, type Answer } from './answers.ts'
import type { Application, Books } from './books.ts'
import { countries, type Country } from './countries.ts'

/** Airtel's tokens were seen to live three minutes. */
export const tokenLifeSDefault = 180

/** Who calls; what {@link Callers.authorise} has proven. */
export type Caller = { readonly application: Application; readonly country: Country }
export type RandomBytes = (length: number) => Buffer

const loginSchema = z.object({ client_id: z.string().max(128), client_secret: z.string().max(128), grant_type: z.literal('client_credentials') })

/** Tokens and the checks of a caller's headers. Tokens live in memory: a restart answers 401 to all of them. */
export class Callers {
  readonly #books: Books
  readonly #nowMs: () => number
  readonly #randomBytes: RandomBytes
  readonly #tokenLifeS: number
  readonly #tokens = new Map<string, { readonly application: Application; readonly expiresAtMs: number }>()

  constructor(books: Books, tokenLifeS: number, nowMs: () => number, randomBytes: RandomBytes) {
    this.#books = books
    this.#tokenLifeS = tokenLifeS
    this.#nowMs = nowMs
    this.#randomBytes = randomBytes
  }

  issueToken(body: unknown): Answer {
    const login = loginSchema.safeParse(body)
    if (!login.success) return { status: 400, body: { error: 'invalid_request', error_description: 'Missing parameters' } }
    const { client_id: clientId, client_secret: secret } = login.data
    const application = this.#books.application(clientId)
    if (application === undefined || !isEqual(application.secretDigest, digestOf(secret))) {
      return { status: 401, body: { error: 'invalid_client', error_description: 'Invalid client authentication' } }
    }
    const nowMs = this.#nowMs()
    for (const [token, { expiresAtMs }] of this.#tokens) if (expiresAtMs <= nowMs) this.#tokens.delete(token)
    const token = this.#randomBytes(24).toString('base64url')
    this.#tokens.set(token, { application, expiresAtMs: nowMs + this.#tokenLifeS * 1000 })
    // A text, as the documentation shows it, where a number is meant.
    return { status: 200, body: { token_type: 'bearer', access_token: token, expires_in: String(this.#tokenLifeS) } }
  }

  authorise(headers: IncomingHttpHeaders): Caller | Answer {
    const token = this.#tokens.get(/^Bearer ([A-Za-z0-9_-]+)$/.exec(headers.authorization ?? '')?.[1] ?? '')
    if (token === undefined || token.expiresAtMs <= this.#nowMs()) return unauthorised
    const { application } = token
    const name = single(headers['x-country']) ?? ''
    const country = countries.get(name)
    if (country === undefined) return routerRefusal('ROUTER006')
    if (application.country !== name) return routerRefusal('ROUTER007', 403)
    return single(headers['x-currency']) === country.currency ? { application, country } : routerRefusal('ROUTER112')
  }
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

export function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}

export function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
