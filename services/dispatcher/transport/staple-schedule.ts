import type { Random } from '@ngome/kernel'

type Life = { readonly kind: 'good' | 'revoked'; readonly thisUpdateMs: number; readonly nextUpdateMs: number }

/** However short a life an answer has, a responder is not asked more often. */
const pauseMsMin = 60_000
/** An authority may take a revocation back (certificateHold); whoever waits for that wants to hear of it. */
const revokedPauseMs = 3_600_000
const retryMsMin = 60_000
const retryMsMax = 3_600_000
/** Many platforms of one authority do not ask in the same second. */
const jitterPart = 0.2

/** @returns when to ask again after an answer: in the middle of its life, or of what is left where that is past */
export function nextAskMs({ kind, thisUpdateMs, nextUpdateMs }: Life, nowMs: number, random: Random): number {
  const middleMs = thisUpdateMs + (nextUpdateMs - thisUpdateMs) / 2
  const atMs = middleMs > nowMs ? middleMs : nowMs + (nextUpdateMs - nowMs) / 2
  const jitteredMs = atMs + (nextUpdateMs - atMs) * jitterPart * fraction(random)
  const latestMs = kind === 'revoked' ? Math.min(jitteredMs, nowMs + revokedPauseMs) : jitteredMs
  return Math.round(Math.max(latestMs, nowMs + pauseMsMin))
}

/** @returns when to ask again after so many failures in a row: a minute, then twice as long each time, an hour at most */
export function nextTryMs(failures: number, nowMs: number, random: Random): number {
  const pauseMs = Math.min(retryMsMin * 2 ** Math.min(failures - 1, 10), retryMsMax)
  return Math.round(nowMs + pauseMs * (1 + jitterPart * fraction(random)))
}

function fraction(random: Random): number {
  return Buffer.from(random.bytes(4)).readUInt32BE() / 2 ** 32
}
