import type { Random } from '@ngome/kernel'
import type { WebhookSettings } from '../dispatcher.ts'

/**
 * The pauses after the first, second, … try, in multiples of the first pause: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h,
 * 20 h and 21 h, three days together. An endpoint that is away for a weekend misses nothing.
 */
const pausesInFirsts = [1, 60, 360, 1_440, 3_600, 7_200, 10_080, 14_400, 15_120] as const
/** So that the webhooks of one outage do not come back all at once. */
const jitterShare = 0.2

/**
 * How long to wait after a failed try.
 * @param tries how many there were, this one included
 * @param retryAfterMs what the endpoint asked for, which is granted within our own bounds
 * @returns milliseconds, or `undefined` where that was the last try
 */
export function pauseAfterTry(
  tries: number, settings: Omit<WebhookSettings, 'timeoutMs'>, random: Random, retryAfterMs = 0,
): number | undefined {
  if (tries >= settings.attemptsMax) return undefined
  const inFirsts = pausesInFirsts[Math.min(tries, pausesInFirsts.length) - 1] ?? 1
  const pauseMs = Math.min(Math.max(inFirsts * settings.firstRetryMs, retryAfterMs), settings.retryMaxMs)
  return spread(pauseMs, random)
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

function spread(pauseMs: number, random: Random): number {
  const by = ((random.bytes(1)[0] ?? 0) / 255 - 0.5) * 2 * jitterShare
  return Math.round(pauseMs * (1 + by))
}

/** @returns the wait that a `Retry-After` in seconds asks for (RFC 9110 §10.2.3); dates are not read */
export function parseRetryAfterMs(header: string | undefined): number {
  return header !== undefined && /^[0-9]{1,9}$/.test(header) ? Number(header) * 1_000 : 0
}
