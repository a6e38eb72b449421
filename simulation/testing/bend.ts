import { newId, systemClock, systemRandom } from '@ngome/kernel'
import type { ApprovalParty } from '@ngome/store'

const from = { clock: systemClock, random: systemRandom }

/** By no key that anybody has. */
export const stranger: ApprovalParty = { apiKey: newId('apiKey', from), keyLine: newId('apiKey', from), signingKey: newId('merchantSigningKey', from) }

/** Does nothing each so many times, and says that it did. */
export function forgetting<A extends unknown[], R>(call: (...args: A) => Promise<R>, each: number, answer: R): (...args: A) => Promise<R> {
  let count = 0
  return (...args) => ++count % each === 0 ? Promise.resolve(answer) : call(...args)
}
