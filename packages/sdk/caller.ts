import type { OperationName, Operations } from './api/operations.ts'
import { routes, type Route } from './api/routes.ts'
import { utf8, type Bytes } from './bytes.ts'
import { digestOf } from './content-digest.ts'
import { AbortedError, ConnectionError, invalid, NgomeError, NotFoundError, SignatureError, TimeoutError } from './errors.ts'
import { openAnswer } from './open-answer.ts'
import type { ClientSettings } from './options.ts'
import { parseRateLimit, parseRateLimitPolicy } from './rate-limit-fields.ts'
import { RateLimiter } from './rate-limiter.ts'
import { readAnswer } from './read-answer.ts'
import { backoffMs, isRetryable } from './retry.ts'
import { pause, type Runtime } from './runtime.ts'
import { ServerLimits } from './server-limits.ts'
import { signRequest } from './sign-request.ts'
import type { Transport, TransportAnswer } from './transport.ts'
import { askForSignature } from './verify-answer.ts'

/** What a caller may say of one call. */
export type CallOptions = {
  /** For calls that act: your own text, once for each effect. A random one where it is left out. */
  readonly idempotencyKey?: string | undefined
  /** Ends the call. What acts may have acted. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for this call, in place of the client's. */
  readonly timeoutMs?: number | undefined
}

/** What an operation takes, without the parts that it does not. */
export type CallInput<N extends OperationName> = {
  readonly [P in 'params' | 'query' | 'body' as Operations[N][P] extends undefined ? never : P]: Operations[N][P]
}

type AnyInput = { readonly params?: object; readonly query?: object; readonly body?: unknown }

type Call = {
  readonly operation: OperationName
  readonly route: Route
  readonly url: string
  readonly body: Bytes | undefined
  readonly idempotencyKey: string | undefined
  readonly signal: AbortSignal
  readonly endsAtMs: number
  /** Why the signal fired. @returns the error to throw */
  readonly ended: (cause: unknown) => NgomeError
}

/** As the gateway takes it: printable ASCII without spaces. */
const idempotencyKeyPattern = /^[!-~]{1,255}$/
const pathParameter = /^[A-Za-z0-9_-]{1,128}$/

/** Calls operations: waits for its turn, signs, sends, reads, and repeats what is safe and worth repeating. */
export class Caller {
  readonly #settings: ClientSettings
  readonly #runtime: Runtime
  readonly #transport: Transport
  readonly #server = new ServerLimits()
  readonly #limiter: RateLimiter

  constructor(settings: ClientSettings, runtime: Runtime, transport: Transport) {
    this.#settings = settings
    this.#runtime = runtime
    this.#transport = transport
    this.#limiter = new RateLimiter(settings.rateLimits, this.#server, runtime)
  }

  /** @throws NgomeError by its class and code */
  async call<N extends OperationName>(operation: N, input: CallInput<N>, options: CallOptions = {}): Promise<Operations[N]['answer']> {
    const route = routes[operation]
    const { params = {}, query = {}, body }: AnyInput = input
    const idempotencyKey = route.isKeyed ? options.idempotencyKey ?? this.#runtime.uuid() : undefined
    if (idempotencyKey !== undefined && !idempotencyKeyPattern.test(idempotencyKey)) {
      throw invalid('idempotencyKey', '1 to 255 characters, printable ASCII without spaces')
    }
    const url = this.#settings.origin + pathOf(route, params) + queryOf(query)
    const bytes = body === undefined ? undefined : utf8(JSON.stringify(body))
    const timeoutMs = options.timeoutMs ?? this.#settings.timeoutMs
    if (!(timeoutMs > 0)) throw invalid('timeoutMs', 'more than 0')
    const deadline = new AbortController()
    const startedAtMs = this.#runtime.elapsedMs()
    const abort = (): void => deadline.abort()
    const cancelTimer = this.#runtime.after(timeoutMs, abort)
    options.signal?.addEventListener('abort', abort, { once: true })
    if (options.signal?.aborted === true) abort()
    const ended = (cause: unknown): NgomeError => options.signal?.aborted === true
      ? new AbortedError({ code: 'sdk/aborted', message: `${operation} was ended by its caller`, cause: options.signal.reason })
      : new TimeoutError({ code: 'sdk/timeout', message: `${operation} was not over within ${timeoutMs} ms`, cause })
    try {
      const parsed = await this.#repeat({
        operation, route, url, body: bytes, idempotencyKey, signal: deadline.signal, endsAtMs: startedAtMs + timeoutMs, ended,
      })
      // Typed by the document, which the gateway answers by.
      return parsed as Operations[N]['answer']
    } catch (error) {
      if (error instanceof NgomeError) error.idempotencyKey = idempotencyKey
      throw error
    } finally {
      cancelTimer()
      options.signal?.removeEventListener('abort', abort)
    }
  }

  async #repeat(call: Call): Promise<unknown> {
    let isUncertain = false
    let last: unknown
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(call, attempt, last)
      } catch (error) {
        // Its first attempt got no answer, and did what was asked.
        if (isUncertain && call.route.method === 'DELETE' && error instanceof NotFoundError) return undefined
        if (!isRetryable(error) || attempt > this.#settings.retriesMax) throw error
        isUncertain ||= error instanceof ConnectionError || error instanceof SignatureError
        last = error
        const waitMs = backoffMs(attempt, error.retryAfterS, this.#runtime.random())
        if (this.#runtime.elapsedMs() + waitMs >= call.endsAtMs) throw error
        await pause(this.#runtime, waitMs, call.signal)
      }
    }
  }

  async #attempt(call: Call, attempt: number, last: unknown): Promise<unknown> {
    const leftMs = call.endsAtMs - this.#runtime.elapsedMs()
    const price = { operation: call.operation, cost: call.route.cost }
    if (!await this.#limiter.turn(price, leftMs, call.signal)) throw call.ended(last)
    const startedAtMs = this.#runtime.elapsedMs()
    let answer: TransportAnswer | undefined
    let code: string | undefined
    try {
      answer = await this.#send(call, last)
      return readAnswer(await openAnswer(answer, this.#settings.decryptionKey), { origin: this.#settings.origin, nowMs: this.#runtime.nowMs() })
    } catch (error) {
      code = error instanceof NgomeError ? error.code : 'sdk/bug'
      if (error instanceof NgomeError && error.status === 429 && error.retryAfterS !== undefined) {
        this.#server.hold(this.#runtime.elapsedMs() + error.retryAfterS * 1_000)
      }
      throw error
    } finally {
      this.#server.ended(price)
      const nowMs = this.#runtime.elapsedMs()
      const said = { quotas: parseRateLimit(answer?.header('ratelimit')), policies: parseRateLimitPolicy(answer?.header('ratelimit-policy')) }
      this.#server.note(price, said, nowMs)
      this.#settings.onAttempt?.({
        operation: call.operation, attempt, tookMs: nowMs - startedAtMs, status: answer?.status, requestId: answer?.header('request-id'), code,
      })
    }
  }

  /** One exchange within the attempt's time and the call's. */
  async #send(call: Call, last: unknown): Promise<TransportAnswer> {
    const attempt = new AbortController()
    const abort = (): void => attempt.abort()
    const { attemptTimeoutMs, answerBytesMax } = this.#settings
    const cancelTimer = this.#runtime.after(attemptTimeoutMs, abort)
    call.signal.addEventListener('abort', abort, { once: true })
    try {
      const { url, body, route: { method } } = call
      const headers = await this.#headers(call)
      const { answerVerifier: verifier } = this.#settings
      const nonce = this.#runtime.uuid()
      const asked = verifier === undefined ? headers : { ...headers, 'accept-signature': askForSignature({ method, url, headers }, nonce) }
      const answer = await this.#transport.send({ method, url, headers: asked, body, signal: attempt.signal, answerBytesMax })
      await verifier?.verify(answer, { method, url, headers }, nonce, this.#runtime.nowMs())
      return answer
    } catch (error) {
      if (call.signal.aborted) throw call.ended(last ?? error)
      if (attempt.signal.aborted) {
        throw new ConnectionError({ code: 'sdk/attempt_timeout', message: `no whole answer within ${attemptTimeoutMs} ms`, cause: error })
      }
      throw error
    } finally {
      cancelTimer()
      call.signal.removeEventListener('abort', abort)
    }
  }

  /** Made anew for each attempt: a signature counts once. */
  async #headers({ route, url, body, idempotencyKey }: Call): Promise<Readonly<Record<string, string>>> {
    const { key, signingKey, answerVerifier } = this.#settings
    const headers: Record<string, string> = { accept: 'application/json', authorization: key.authorization() }
    if (this.#runtime.userAgent !== undefined) headers['user-agent'] = this.#runtime.userAgent
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
    // A signed answer says which body it answers.
    if (answerVerifier !== undefined && signingKey === undefined && body !== undefined) headers['content-digest'] = await digestOf(body)
    if (signingKey === undefined) return headers
    return { ...headers, ...await signRequest(signingKey, { method: route.method, url, body, idempotencyKey }, this.#runtime) }
  }

  close(): void {
    this.#transport.close()
  }
}

/** @throws ValidationError for a parameter that would change which path is called */
function pathOf({ path }: Route, params: object): string {
  const given = new Map<string, unknown>(Object.entries(params))
  return path.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => {
    const value = given.get(name)
    if (typeof value !== 'string' || !pathParameter.test(value)) throw invalid(name, 'an id as the API gave it')
    return value
  })
}

function queryOf(query: object): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.append(name, String(value))
  return parameters.size === 0 ? '' : `?${parameters.toString()}`
}

