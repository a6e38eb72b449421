import { newId, type AccountId, type AdjustmentId, type Clock, type Currency, type MerchantId, type Random, type World } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'
import type { Tables } from '../tables.ts'
import { inTenant } from '../transaction.ts'

export type Repayment = {
  readonly id: AdjustmentId
  readonly currency: Currency
  /** The merchant reads it in its statement. */
  readonly reason: string
  readonly at: Date
}

/** Repays of what the tenant of the transaction owes what is there. @returns how much, in minor units; nothing where either is nothing */
export async function repayDebtIn(tx: Transaction<Tables>, { id, currency, reason, at }: Repayment): Promise<bigint> {
  const { rows: [row] } = await sql<{ repaid: bigint }>`SELECT ngome.repay_debt(${id}, ${currency}, ${reason}, ${at}) AS repaid`.execute(tx)
  return BigInt(row?.repaid ?? 0n)
}

type Owing = { account: AccountId; merchant: MerchantId; world: World; currency: Currency }

/** How many are looked up at once: each is two sums. */
const pageSize = 200

/**
 * What the dispatcher does every minute: repays what merchants owe of what came since.
 * @returns how many repaid something
 * @throws Fault `store/unavailable`
 */
export async function repayDebts(
  db: Database, from: { readonly clock: Clock; readonly random: Random }, signal: AbortSignal,
): Promise<number> {
  let repaid = 0
  for (let after = ''; ;) {
    const { rows } = await guarded(() => sql<Owing>`SELECT * FROM ngome.find_repayable(${after}, ${pageSize})`.execute(db.kysely))
    for (const { merchant, world, currency } of rows) {
      if (signal.aborted) return repaid
      const repayment = { id: newId('adjustment', from), currency, reason: 'Repays what is owed', at: new Date(from.clock.nowMs()) }
      if (await inTenant(db, { merchant, world }, (tx) => repayDebtIn(tx, repayment)) > 0n) repaid++
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize) return repaid
    after = last.account
  }
}
