import type { Limit } from './pace.ts'

/** What one limit says of itself. */
export type LimitState = {
  readonly name: string
  /** Whole tokens left. */
  readonly remaining: number
  /** Seconds, rounded up, after which there is more. */
  readonly moreInS: number
}

/**
 * The value of `RateLimit-Policy`: a list of quotas, each q tokens in a window of w seconds, in which an empty bucket fills
 * (draft-ietf-httpapi-ratelimit-headers, "RateLimit-Policy Field"; a structured field of RFC 9651).
 * @param limits names of lower case letters
 */
export function rateLimitPolicyField(limits: readonly (readonly [name: string, limit: Limit])[]): string {
  return limits.map(([name, limit]) => `"${name}";q=${limit.burst};w=${windowS(limit)}`).join(', ')
}

/**
 * The value of `RateLimit`: what is left of the limit that is nearest to its end, and when there is more. That is soon, for
 * tokens come back one by one; when all are back follows from the policy (the draft's "Reset Parameter": the seconds until
 * additional quota is made available, which need not be all of it).
 */
export function rateLimitField({ name, remaining, moreInS }: LimitState): string {
  return `"${name}";r=${remaining};t=${moreInS}`
}

/** Seconds, rounded up, in which an empty bucket fills. */
export function windowS({ ratePerS, burst }: Limit): number {
  return Math.ceil(burst / ratePerS)
}
