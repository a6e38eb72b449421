/** A limit as people write it: tokens that come back each second, and how many there can be at once. */
export type Limit = { readonly ratePerS: number; readonly burst: number }

/**
 * A limit as it is computed with, in whole numbers: nanotokens, and nanotokens for each microsecond, which is the same
 * number as thousandths of a token for each second. Elapsed time times gain is whole, so that nothing drifts, however often
 * one looks.
 */
export type Pace = { readonly capacity: number; readonly gain: number }

/** Nanotokens of a token. */
export const nano = 1_000_000_000
const milli = 1_000
/** Capacities stay below 2^53, where numbers are exact; sums that reach past it are cut to a capacity at once. */
export const burstMax = 1_000_000
export const ratePerSMax = 1_000_000

/** @throws RangeError where a limit is not of whole numbers within its bounds */
export function paceOf({ ratePerS, burst }: Limit): Pace {
  const isWhole = Number.isSafeInteger(ratePerS) && Number.isSafeInteger(burst)
  if (!isWhole || ratePerS < 1 || burst < 1 || ratePerS > ratePerSMax || burst > burstMax) {
    throw new RangeError(`no limit: ${ratePerS} a second, ${burst} at once`)
  }
  return { capacity: burst * nano, gain: ratePerS * milli }
}

/** One of so many equal parts, cut off and never rounded up: all together are never more than the whole. */
export function shareOf(pace: Pace, parts: number): Pace {
  return { capacity: Math.floor(pace.capacity / parts), gain: Math.floor(pace.gain / parts) }
}

/** @returns microseconds, rounded up, in which a pace gives so many nanotokens */
export function usUntil(nanotokens: number, gain: number): number {
  if (nanotokens <= 0) return 0
  return gain === 0 ? Number.MAX_SAFE_INTEGER : Math.ceil(nanotokens / gain)
}

/** What is there after so many microseconds more; cut at the capacity. */
export function filled({ capacity, gain }: Pace, level: number, us: number): number {
  return Math.min(capacity, level + us * gain)
}

/** What a cost takes. One above the whole burst is the whole burst, or it could never be paid. */
export function priceOf({ capacity }: Pace, cost: number): number {
  return Math.min(cost * nano, capacity)
}

/** Microseconds until one more whole token is there; 0 where it is full. */
export function moreInUs({ capacity, gain }: Pace, level: number): number {
  // Not `level % nano`, which takes longer than all else here. Both are exact below 2^53.
  const part = level - Math.floor(level / nano) * nano
  return usUntil(Math.min(nano - part, capacity - level), gain)
}
