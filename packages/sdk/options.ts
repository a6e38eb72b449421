import { ApiKey, type World } from './api-key.ts'
import { misconfigured } from './errors.ts'
import type { PrivateKey } from './private-key.ts'
import type { RateLimits } from './rate-limiter.ts'
import type { Runtime } from './runtime.ts'
import type { SigningKey } from './signing-key.ts'
import { AnswerVerifier } from './verify-answer.ts'

/** One attempt of a call that was over; nothing in it is secret. */
export type AttemptReport = {
  readonly operation: string
  /** 1 for the first. */
  readonly attempt: number
  readonly tookMs: number
  /** `undefined` where no answer came. */
  readonly status: number | undefined
  readonly requestId: string | undefined
  /** `undefined` where it succeeded. */
  readonly code: string | undefined
}

export type NgomeOptions = {
  /** `ngome_sk_…` on servers, `ngome_pk_…` in browsers; `NGOME_API_KEY` of the environment where it is left out. */
  readonly apiKey?: string | undefined
  /** Where the API is, `https:` always; `NGOME_BASE_URL` of the environment where it is left out. */
  readonly baseUrl?: string | undefined
  /** Which world this program is for: a key of the other one is refused before anything is sent. */
  readonly world?: World | undefined
  /** Signs every request. */
  readonly signingKey?: SigningKey | undefined
  /** Opens answers that come encrypted, as those with an API key in them do where you have a key of use encrypt. */
  readonly decryptionKey?: PrivateKey | undefined
  /**
   * The platform's statement key, as its operator gives it out by another way than this API (`ngome vault pin`); two while one takes
   * over from another. With it every answer has to be signed, by a gateway that this key vouches for, and is refused else.
   */
  readonly statementKey?: string | readonly string[] | undefined
  /** Certificates of authorities to trust in place of the usual ones, PEM. Not in browsers. */
  readonly ca?: string | readonly string[] | undefined
  /** Pins, as the operator publishes them: base64 SHA-256 of public keys. Not in browsers. */
  readonly pins?: readonly string[] | undefined
  /** Milliseconds for a whole call, waits and retries included; 60,000 where left out. */
  readonly timeoutMs?: number | undefined
  /** Milliseconds for one attempt of it; 20,000 where left out. */
  readonly attemptTimeoutMs?: number | undefined
  /** How often a call is repeated at most; 4 where left out, 0 for never. */
  readonly retriesMax?: number | undefined
  /** This client's own limit; 50 requests in a second, 50 at once, 1,000 that wait, where left out. */
  readonly rateLimits?: Partial<RateLimits> | undefined
  /** Of one answer, in bytes; 4 MiB where left out. */
  readonly answerBytesMax?: number | undefined
  /** What you should look after: a key that is 90 days old. Told to Node's `warning` event where left out. */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Hears of every attempt, for logs and metrics. */
  readonly onAttempt?: ((report: AttemptReport) => void) | undefined
}

export type ClientSettings = {
  readonly timeoutMs: number
  readonly attemptTimeoutMs: number
  readonly retriesMax: number
  readonly answerBytesMax: number
  readonly key: ApiKey
  readonly origin: string
  readonly signingKey: SigningKey | undefined
  readonly decryptionKey: PrivateKey | undefined
  /** Where answers have to be signed. */
  readonly answerVerifier: AnswerVerifier | undefined
  readonly rateLimits: RateLimits
  readonly onAttempt: ((report: AttemptReport) => void) | undefined
}

/** A key is replaced after this: what the platform itself reminds of. */
export const keyAgeDaysMax = 90
const dayMs = 86_400_000
const timeoutMsMax = 600_000
const mebibyte = 1_048_576

/** Reads the options. @throws ConfigurationError for what cannot be worked with, without the key's text */
export function readOptions(options: NgomeOptions, runtime: Runtime): ClientSettings {
  const text = options.apiKey ?? runtime.environment('NGOME_API_KEY')
  if (text === undefined || text === '') throw misconfigured('no API key: set NGOME_API_KEY in the environment, or pass apiKey')
  const key = ApiKey.parse(text)
  if (runtime.isBrowser && key.kind === 'secret') {
    throw misconfigured('a secret key in a browser is everybody\'s: use a publishable key there, and revoke this one')
  }
  if (options.world !== undefined && options.world !== key.world) {
    throw misconfigured(`this program is for the ${options.world} world, and the key is of the ${key.world} world`)
  }
  warnOfAge(key, options, runtime)
  return {
    key,
    origin: originOf(options.baseUrl ?? runtime.environment('NGOME_BASE_URL')),
    signingKey: options.signingKey,
    decryptionKey: options.decryptionKey,
    answerVerifier: options.statementKey === undefined ? undefined : new AnswerVerifier(options.statementKey),
    timeoutMs: bounded('timeoutMs', options.timeoutMs ?? 60_000, 1, timeoutMsMax),
    attemptTimeoutMs: bounded('attemptTimeoutMs', options.attemptTimeoutMs ?? 20_000, 1, timeoutMsMax),
    retriesMax: bounded('retriesMax', options.retriesMax ?? 4, 0, 20),
    answerBytesMax: bounded('answerBytesMax', options.answerBytesMax ?? 4 * mebibyte, 1_024, 64 * mebibyte),
    rateLimits: {
      ratePerS: bounded('rateLimits.ratePerS', options.rateLimits?.ratePerS ?? 50, 0.01, 1_000_000),
      burst: bounded('rateLimits.burst', options.rateLimits?.burst ?? 50, 1, 1_000_000),
      queueMax: bounded('rateLimits.queueMax', options.rateLimits?.queueMax ?? 1_000, 0, 100_000),
    },
    onAttempt: options.onAttempt,
  }
}

function originOf(baseUrl: string | undefined): string {
  if (baseUrl === undefined || baseUrl === '') throw misconfigured('no address: set NGOME_BASE_URL in the environment, or pass baseUrl')
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (url?.protocol === 'http:') throw misconfigured('baseUrl has to be https: over plain HTTP everybody on the way has your key')
  if (url?.protocol !== 'https:') throw misconfigured('baseUrl has to be an address that begins with https://')
  const isOrigin = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  if (!isOrigin) throw misconfigured('baseUrl has to be a host alone, with its port: https://api.example.com')
  return url.origin
}

function bounded(name: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) throw misconfigured(`${name} has to lie between ${min} and ${max}`)
  return value
}

function warnOfAge({ id, createdAtMs }: ApiKey, options: NgomeOptions, runtime: Runtime): void {
  const days = Math.floor((runtime.nowMs() - createdAtMs) / dayMs)
  if (days < keyAgeDaysMax) return
  const warn = options.onWarning ?? runtime.warn
  warn(`The API key ${id} is ${days} days old. Replace keys every ${keyAgeDaysMax} days: make a new one, deploy it, revoke this one.`)
}
