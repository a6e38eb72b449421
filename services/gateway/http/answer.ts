import type { ServerResponse } from 'node:http'
import type { RequestId } from '@ngome/kernel'
import type { PaymentNote } from '../usage/recorder.ts'

/** What a handler decides to say; everything else about an answer is the same for all. */
export type Answer = {
  readonly status: number
  readonly contentType?: string
  readonly body?: string | Uint8Array
  /** Names and values in turn. */
  readonly headers?: readonly string[]
  /** Replaces the policy that forbids everything, for the one page that a browser shows. */
  readonly contentSecurityPolicy?: string
  /** May be kept by a browser for this long; `undefined` is: nobody keeps it. */
  readonly cacheS?: number
  /** The payment that was accepted, for the counts of its key; of a repeated request none. Nobody is told. */
  readonly payment?: PaymentNote
}

export const jsonType = 'application/json'

/** Two years, every subdomain (RFC 6797 §6.1): a browser that saw one answer of ours never speaks plain HTTP to us. */
export const strictTransportSecurity = 'max-age=63072000; includeSubDomains'
/** An answer of the API is data: nothing in it may run, load, frame or be framed, whatever a browser takes it for. */
const nothingRuns = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"

/**
 * What OWASP asks of every answer of an API (REST Security Cheat Sheet, "Security Headers"), and no more: each is bytes on
 * every answer. `x-frame-options` says again what the policy says, for what reads no policy. What is for documents
 * (Secure Headers Project) is in {@link pageHeaders}. Left out for all: `x-permitted-cross-domain-policies` and `x-xss-protection`, whose readers are gone; `server` and `x-powered-by`,
 * which only tell attackers; `etag`, for nothing that is `no-store` is asked for again.
 */
const everyAnswer: readonly string[] = [
  'strict-transport-security', strictTransportSecurity,
  'x-content-type-options', 'nosniff',
  'x-frame-options', 'DENY',
  'referrer-policy', 'no-referrer',
  'cross-origin-resource-policy', 'same-origin',
]

/**
 * Of a document that a browser shows: no window that opened it keeps a hold of it, it takes nothing of another site into
 * itself, and it asks for no camera. On data these change nothing: it is no window, loads nothing and runs nothing.
 */
export const pageHeaders: readonly string[] = [
  'cross-origin-opener-policy', 'same-origin',
  'cross-origin-embedder-policy', 'require-corp',
  'permissions-policy', 'accelerometer=(), autoplay=(), camera=(), display-capture=(), fullscreen=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()',
]

/** The headers that every answer carries, refusals of malformed bytes included. */
export function answerHeaders(answer: Answer, requestId: RequestId): string[] {
  const headers = [
    ...everyAnswer,
    'content-security-policy', answer.contentSecurityPolicy ?? nothingRuns,
    'cache-control', answer.cacheS === undefined ? 'no-store' : `public, max-age=${answer.cacheS}`,
    'request-id', requestId,
  ]
  if (answer.contentType !== undefined) headers.push('content-type', answer.contentType)
  if (answer.status !== 204) headers.push('content-length', String(Buffer.byteLength(answer.body ?? '')))
  if (answer.headers !== undefined) headers.push(...answer.headers)
  return headers
}

/**
 * Sends an answer; `isLast` tells the client that this connection ends with it.
 * @param added names and values in turn, beside the answer's own
 */
export function sendAnswer(
  response: ServerResponse, answer: Answer, requestId: RequestId, isLast: boolean, added?: readonly string[],
): void {
  const headers = answerHeaders(answer, requestId)
  if (added !== undefined) headers.push(...added)
  if (isLast) headers.push('connection', 'close')
  response.writeHead(answer.status, headers)
  response.end(answer.body)
}
