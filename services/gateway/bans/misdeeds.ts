import { faults } from '@ngome/kernel'
import type { Misdeed } from '../http/defence.ts'

/**
 * What each misdeed costs whoever did it. A refusal that an honest client meets while it is being built costs little; bytes
 * that no client sends cost more; holding our connections costs most.
 */
const costs: Partial<Record<Misdeed, number>> = {
  'request/malformed': 5,
  'request/header_refused': 2,
  'request/json_refused': 2,
  'request/not_found': 1,
  'request/method_refused': 1,
  'request/too_large': 2,
  'access/unauthenticated': 2,
  'checkout/link_unknown': 1,
  slow_head: 10, slow_body: 10, slow_answer: 10,
  too_many: 2,
  too_fast: 1,
}

/** Points that a network may owe: a hundred bad keys at once, or forty requests of garbage. */
export const pointsMax = 200
/** Points forgiven each second: a client that is wrong every other second, for ever, is never banned. */
export const forgivenPerS = 1
/** A good answer makes up for a refused one, so that many servers behind one address do not answer for one of them. */
export const goodPoints = 2
/** Networks whose points are remembered; the oldest are forgotten first. About 100 bytes each. */
export const offendersMax = 16_384
/** The first ban, and the longest; each next one within a day of the last is twice as long. */
export const firstBanS = 60
export const longestBanS = 3_600

const tooManyRequests = 429

export function costOf(misdeed: Misdeed): number {
  const own = costs[misdeed]
  if (own !== undefined) return own
  const rows: Readonly<Record<string, { readonly status: number }>> = faults
  return rows[misdeed]?.status === tooManyRequests ? 1 : 0
}
