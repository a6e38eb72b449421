import { Fault, type AdjustmentId, type Money } from '@ngome/kernel'
import type { AdjustmentKind } from '@ngome/payments'
import { sql, type Transaction } from 'kysely'
import { errorCode } from '../store-fault.ts'
import type { Tables } from '../tables.ts'

export type NewAdjustment = {
  readonly id: AdjustmentId
  readonly kind: AdjustmentKind
  /** Whose `provider_clearing` and `suspense` it moves. */
  readonly network: string
  readonly money: Money
  /** At most 200 characters; the merchant reads it where it is its money. */
  readonly reason: string
  /** Who says so, at most 100 characters. */
  readonly madeBy: string
  readonly atMs: number
}

/**
 * Corrects the books: one transfer of the whole amount, in somebody's name. The caller is in a transaction of the tenant, as
 * `ngome_operator`, and writes with it why it was made and the event that tells of it; nothing is written where it is refused.
 * @throws Fault `payments/insufficient_funds` where what it takes is not there, or what it gives back is not owed
 */
export async function makeAdjustment(tx: Transaction<Tables>, adjustment: NewAdjustment): Promise<void> {
  const { id, kind, network, money, reason, madeBy, atMs } = adjustment
  try {
    await sql`SELECT ngome.make_adjustment(${id}, ${kind}, ${network}, ${money.currency}, ${money.amountMinor}, ${reason}, ${madeBy},
      ${new Date(atMs)})`.execute(tx)
  } catch (error) {
    if (errorCode(error) !== 'NG007') throw error
    throw new Fault('payments/insufficient_funds', `${kind} of ${money.amountMinor} is not covered`, { cause: error })
  }
}
