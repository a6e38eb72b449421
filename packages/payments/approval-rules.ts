import type { Currency, Money } from '@ngome/kernel'

/** Which payouts a second person has to approve, and how long it has for that. */
export type ApprovalRules = {
  /** Minor units; a payout of more waits. A currency without an entry waits for nobody. */
  readonly over: ReadonlyMap<Currency, bigint>
  readonly expiresAfterMs: number
}

/** Whether so much goes out on two people's word alone. */
export function needsApproval({ over }: Pick<ApprovalRules, 'over'>, { amountMinor, currency }: Money): boolean {
  const limit = over.get(currency)
  return limit !== undefined && amountMinor > limit
}
