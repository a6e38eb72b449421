import { ConnectionError, NgomeError } from './errors.ts'

/** The first wait is up to this, each next one up to twice as long, none longer than the last. */
export const backoffFirstMs = 250
export const backoffLastMs = 8_000

/** Later, the same request may be answered otherwise. Every other 4xx says that it will not. */
const retryableStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])
/** Of a status that is final elsewhere, and over in a moment. */
const passingCodes: ReadonlySet<string> = new Set(['idempotency/in_flight', 'vault/token_pending'])
/** Of a retryable status, and still nothing that waiting changes. */
const finalCodes: ReadonlySet<string> = new Set(['egress/refused', 'store/schema_refused', 'config/invalid'])

/** Whether a request that is safe to repeat is worth repeating after this error. */
export function isRetryable(error: unknown): error is NgomeError {
  if (error instanceof ConnectionError) return true
  if (!(error instanceof NgomeError) || error.status === undefined || finalCodes.has(error.code)) return false
  return passingCodes.has(error.code) || retryableStatuses.has(error.status)
}

/**
 * How long to wait after so many attempts: exponential with full jitter, so that clients that failed together do not come
 * back together; on top of what the server asked for, never below it.
 * @param random from 0 up to 1
 */
export function backoffMs(attempts: number, retryAfterS: number | undefined, random: number): number {
  const ceilingMs = Math.min(backoffLastMs, backoffFirstMs * 2 ** (attempts - 1))
  return (retryAfterS ?? 0) * 1_000 + Math.floor(random * ceilingMs)
}
