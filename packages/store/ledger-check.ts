import type { PaymentId } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { guarded } from './store-fault.ts'

export type LedgerReport = {
  readonly payments: number
  /** How many payments stand in each state. */
  readonly byStatus: Readonly<Record<string, number>>
  /** Payments whose transfer is missing, differs, or stands in another state than they; none in a true ledger. */
  readonly wrong: readonly PaymentId[]
  /** Currencies in which posted debits and credits differ; none in a true ledger. */
  readonly unbalanced: readonly string[]
}

const wrongMax = 1_000

/**
 * Compares ledger and payments, of all tenants, as an auditor. In a true ledger each payment has exactly one transfer
 * of its amount, posted where it succeeded, voided where it failed, pending otherwise, and all balances add up to zero.
 * @param db opened as `ngome_auditor`
 * @throws Fault `store/unavailable`
 */
export async function checkLedger(db: Database): Promise<LedgerReport> {
  return guarded(() => db.kysely.transaction().setIsolationLevel('repeatable read').execute(async (tx) => {
    const statuses = await tx.selectFrom('payments')
      .select((e) => ['status', e.fn.countAll<bigint>().as('count')]).groupBy('status').execute()
    const wrong = await sql<{ id: PaymentId }>`
      SELECT coalesce(p.id, t.payment) AS id
      FROM ngome.payments p FULL JOIN ngome.transfers t
        ON t.merchant = p.merchant AND t.world = p.world AND t.payment = p.id
      WHERE p.id IS NULL OR t.payment IS NULL
        OR t.amount_minor <> p.amount_minor OR t.currency <> p.currency
        OR t.state <> CASE p.status WHEN 'succeeded' THEN 'posted' WHEN 'failed' THEN 'voided' ELSE 'pending' END
      LIMIT ${wrongMax}`.execute(tx)
    const unbalanced = await sql<{ currency: string }>`
      WITH entries AS (
        SELECT debit_account AS account, merchant, world, -amount_minor AS amount FROM ngome.transfers
        WHERE state = 'posted'
        UNION ALL
        SELECT credit_account, merchant, world, amount_minor FROM ngome.transfers
        WHERE state = 'posted'
      )
      SELECT a.currency FROM ngome.accounts a JOIN entries e
        ON e.merchant = a.merchant AND e.world = a.world AND e.account = a.id
      GROUP BY a.currency HAVING sum(e.amount) <> 0`.execute(tx)
    return {
      payments: statuses.reduce((sum, row) => sum + Number(row.count), 0),
      byStatus: Object.fromEntries(statuses.map((row) => [row.status, Number(row.count)])),
      wrong: wrong.rows.map(({ id }) => id),
      unbalanced: unbalanced.rows.map(({ currency }) => currency),
    }
  }))
}
