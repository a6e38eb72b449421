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
  const spread = ((random.bytes(1)[0] ?? 0) / 255 - 0.5) * 2 * jitterShare
  return Math.round(pauseMs * (1 + spread))
}

/** @returns the wait that a `Retry-After` in seconds asks for (RFC 9110 §10.2.3); dates are not read */
export function parseRetryAfterMs(header: string | undefined): number {
  return header !== undefined && /^[0-9]{1,9}$/.test(header) ? Number(header) * 1_000 : 0
}
