import type { Limit } from './pace.ts'

/** What one limit says of itself. */
export type LimitState = {
  readonly name: string
  /** Whole tokens left. */
  readonly remaining: number
  /** Seconds, rounded up, after which it is whole again; of a refusal, after which the same request may come again. */
  readonly resetS: number
}

/**
 * The value of `RateLimit-Policy`: a list of quotas, each q tokens in a window of w seconds, in which an empty bucket fills
 * (draft-ietf-httpapi-ratelimit-headers, "RateLimit-Policy Field"; a structured field of RFC 9651).
 * @param limits names of lower case letters
 */
export function rateLimitPolicyField(limits: readonly (readonly [name: string, limit: Limit])[]): string {
  return limits.map(([name, limit]) => `"${name}";q=${limit.burst};w=${windowS(limit)}`).join(', ')
}

/** The value of `RateLimit`: what is left of the limit that is nearest to its end. */
export function rateLimitField({ name, remaining, resetS }: LimitState): string {
  return `"${name}";r=${remaining};t=${resetS}`
}

/** Seconds, rounded up, in which an empty bucket fills. */
export function windowS({ ratePerS, burst }: Limit): number {
  return Math.ceil(burst / ratePerS)
}
