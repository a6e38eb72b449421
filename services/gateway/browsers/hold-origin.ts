import { Fault, type ApiKeyId } from '@ngome/kernel'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { Guards } from '../http/guards.ts'
import { headerGroups } from '../http/header-table.ts'

/** Hears of a secret key that came from a browser. */
export type SeenInBrowser = (caller: AuthenticatedCaller, origin: string) => void

/** What a page may read of an answer beside its body: the limits' fields, so that it can keep to them, and what proves it. */
const exposed = 'Request-Id, Retry-After, RateLimit, RateLimit-Policy, Content-Digest, Answer-Key, Signature-Input, Signature'

/**
 * Makes the guard that holds a page's request against its key. It comes before everything that has an effect, and a refusal
 * carries no CORS header: the page learns nothing of it. Where the page is one of its merchant's, every answer from here on
 * is for it to read.
 * @throws Fault (the guard) `access/secret_key_in_browser`, `access/origin_refused`
 */
export function originHolder(onSeen: SeenInBrowser): Guards['authorize'] {
  return (caller, request) => {
    // Programs send no origin; and a page cannot leave it out where it sends a key (Fetch §3.3.2).
    const origin = (request.headerBits & headerGroups.browser) === 0 ? undefined : request.headers.origin
    if (origin === undefined) return
    if (caller.kind === 'secret') {
      onSeen(caller, origin)
      throw new Fault('access/secret_key_in_browser', `the secret key ${caller.apiKey} came from a browser`)
    }
    if (!caller.origins.has(origin)) throw new Fault('access/origin_refused', `${caller.apiKey} from an origin that is not its merchant's`)
    const headers = request.answerHeaders ??= []
    headers.push('access-control-allow-origin', origin, 'access-control-expose-headers', exposed, 'vary', 'Origin')
  }
}

const hourMs = 3_600_000
/** Keys that are remembered at once; past it the oldest is, if it comes again, told of once more. */
const keysMax = 1_000

/** Lets through what is of a key the first time in an hour: who reloads a page need not be told of a thousand times. */
export class OnceAnHour {
  readonly #monotonicMs: () => number
  readonly #toldAtMs = new Map<ApiKeyId, number>()

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  isDue(key: ApiKeyId): boolean {
    const nowMs = this.#monotonicMs()
    const toldAtMs = this.#toldAtMs.get(key)
    if (toldAtMs !== undefined && nowMs - toldAtMs < hourMs) return false
    this.#toldAtMs.delete(key)
    if (this.#toldAtMs.size >= keysMax) {
      const [oldest] = this.#toldAtMs.keys()
      if (oldest !== undefined) this.#toldAtMs.delete(oldest)
    }
    this.#toldAtMs.set(key, nowMs)
    return true
  }
}
