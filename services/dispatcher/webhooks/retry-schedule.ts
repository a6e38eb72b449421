import type { Random } from '@ngome/kernel'
import type { WebhookSettings } from '../dispatcher.ts'

/** Each pause may be so many times the one before: from seconds to hours in ten tries, which cost little while it is away. */
const growth = 3

/**
 * How long to wait after a failed try: anything up to a bound that grows from try to try (full jitter, so that the webhooks of one
 * outage do not come back all at once), and at least what the endpoint asked for.
 * @param tried `tries`: how many there were, this one included; `ageMs`: since the first; `retryAfterMs`: what the endpoint asked for,
 * which is granted within our own bounds
 * @returns milliseconds, or `undefined` where that was the last try. The last one is made when its time is over, not before.
 */
export function pauseAfterTry(
  { tries, ageMs, retryAfterMs = 0 }: { readonly tries: number; readonly ageMs: number; readonly retryAfterMs?: number },
  { attemptsMax, firstRetryMs, retryMaxMs, retryForMs }: Pick<WebhookSettings, 'attemptsMax' | 'firstRetryMs' | 'retryMaxMs' | 'retryForMs'>,
  random: Random,
): number | undefined {
  if (tries >= attemptsMax || ageMs >= retryForMs) return undefined
  const boundMs = Math.min(firstRetryMs * growth ** (tries - 1), retryMaxMs)
  const pauseMs = Math.max(Math.round(boundMs * fraction(random)), Math.min(retryAfterMs, retryMaxMs))
  return Math.min(pauseMs, retryForMs - ageMs)
}

/** Even, 0 to 1. */
function fraction(random: Random): number {
  return Buffer.from(random.bytes(4)).readUInt32BE() / 0xffff_ffff
}

/** As long as an endpoint that is away is tried. */
const heldMsMax = 3 * 86_400_000
/** So that who adds his key is told within the hour. */
const heldPauseMsMax = 3_600_000
/** Looked at less and less often, in shares of its age. */
const heldPauseShare = 0.25

/**
 * How long to wait before a delivery that may not be sent is looked at again. That is no try: its endpoint was not asked.
 * @returns milliseconds, or `undefined` where it has waited for three days
 */
export function pauseWhileHeld(
  ageMs: number, { firstRetryMs, retryMaxMs }: Pick<WebhookSettings, 'firstRetryMs' | 'retryMaxMs'>, random: Random,
): number | undefined {
  if (ageMs >= heldMsMax) return undefined
  return spread(Math.min(Math.max(ageMs * heldPauseShare, firstRetryMs), heldPauseMsMax, retryMaxMs), random)
}

/** So that what waits for one key does not come back all at once. */
const jitterShare = 0.2

function spread(pauseMs: number, random: Random): number {
  const by = ((random.bytes(1)[0] ?? 0) / 255 - 0.5) * 2 * jitterShare
  return Math.round(pauseMs * (1 + by))
}

/** @returns the wait that a `Retry-After` in seconds asks for (RFC 9110 §10.2.3); dates are not read */
export function parseRetryAfterMs(header: string | undefined): number {
  return header !== undefined && /^[0-9]{1,9}$/.test(header) ? Number(header) * 1_000 : 0
}
