import type { Custodian } from '../custodian.ts'
import { clearEndedBudgets } from './budgets.ts'

/** Clears away windows that have ended, few in each work, so that no opening waits long for it. */
export async function sweepBudgets({ store, clock }: Pick<Custodian, 'store' | 'clock'>): Promise<void> {
  let hasMore = true
  while (hasMore) hasMore = await store.commits.run((transaction) => clearEndedBudgets(transaction, clock.nowMs()))
}
