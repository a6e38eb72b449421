import type { AccountId, PaymentId } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { checkDays, type DaysReport } from './ledger/check-days.ts'
import { guarded } from './store-fault.ts'

export type LedgerReport = {
  readonly payments: number
  /** How many payments stand in each state. */
  readonly byStatus: Readonly<Record<string, number>>
  /** Payments whose transfer is missing, differs, or stands in another state than they; none in a true ledger. */
  readonly wrong: readonly PaymentId[]
  /** Accounts that hold less than nothing, or another sum than that of their transfers; none in a true ledger. */
  readonly misheld: readonly AccountId[]
  /** What was closed, and whether it still is what the transfers say. */
  readonly days: DaysReport
}

const wrongMax = 1_000

/**
 * Compares ledger and payments, of all tenants, as an auditor. In a true ledger each payment has exactly the transfers
 * of its direction, of its amount and its fee, in the phase of its state; each account's sum is that of its
 * transfers, and nobody has taken more than there was. Debits and credits are one row, so that they cannot differ.
 * @param db opened as `ngome_auditor`
 * @throws Fault `store/unavailable`
 */
export async function checkLedger(db: Database): Promise<LedgerReport> {
  return guarded(() => db.kysely.transaction().setIsolationLevel('repeatable read').execute(async (tx) => {
    const statuses = await tx.selectFrom('payments')
      .select((e) => ['status', e.fn.countAll<bigint>().as('count')]).groupBy('status').execute()
    const wrong = await sql<{ id: PaymentId }>`
      WITH due AS (
        SELECT p.merchant, p.world, p.id AS payment, k.kind, p.currency, s.transfers AS phase,
          CASE k.share WHEN 'amount' THEN p.amount_minor WHEN 'fee' THEN p.fee_minor ELSE p.amount_minor - p.fee_minor END AS amount_minor
        FROM ngome.payments p JOIN ngome.payment_states s ON s.status = p.status JOIN ngome.transfer_kinds k ON k.direction = p.direction
      ), moved AS (
        SELECT merchant, world, payment, kind, currency, min(amount_minor) AS least, max(amount_minor) AS most, count(*) AS phases,
          count(*) FILTER (WHERE NOT is_end) AS begins, coalesce(max(phase) FILTER (WHERE is_end), 'pending') AS phase,
          count(DISTINCT (debit_account, credit_account)) AS ways
        FROM ngome.transfers GROUP BY merchant, world, payment, kind, currency
      )
      SELECT DISTINCT coalesce(d.payment, m.payment) AS id
      FROM (SELECT * FROM due WHERE amount_minor <> 0) d FULL JOIN moved m
        ON (m.merchant, m.world, m.payment, m.kind, m.currency) = (d.merchant, d.world, d.payment, d.kind, d.currency)
      WHERE d.payment IS NULL OR m.payment IS NULL OR m.begins <> 1 OR m.ways <> 1 OR m.phase <> d.phase
        OR m.least <> d.amount_minor OR m.most <> d.amount_minor OR m.phases <> CASE d.phase WHEN 'pending' THEN 1 ELSE 2 END
      LIMIT ${wrongMax}`.execute(tx)
    const days = await checkDays(tx)
    // The sums of another cluster are refused, which is a finding by itself.
    const misheld = days.isForeign ? { rows: [] } : await sql<{ account: AccountId }>`
      WITH entries AS (
        SELECT credit_account AS account, true AS is_in, phase, amount_minor FROM ngome.transfers
        UNION ALL
        SELECT debit_account, false, phase, amount_minor FROM ngome.transfers
      ), truth AS (
        SELECT account,
          coalesce(sum(amount_minor) FILTER (WHERE is_in AND phase = 'posted'), 0) AS posted_in,
          coalesce(sum(amount_minor) FILTER (WHERE NOT is_in AND phase = 'posted'), 0) AS posted_out,
          coalesce(sum(CASE phase WHEN 'pending' THEN amount_minor ELSE -amount_minor END) FILTER (WHERE is_in), 0) AS pending_in,
          coalesce(sum(CASE phase WHEN 'pending' THEN amount_minor ELSE -amount_minor END) FILTER (WHERE NOT is_in), 0) AS pending_out
        FROM entries GROUP BY account
      )
      SELECT a.id AS account FROM ngome.accounts a LEFT JOIN truth t ON t.account = a.id
        LEFT JOIN LATERAL ngome.account_totals(a.id) h ON true
      WHERE h.posted_in IS NULL
        OR (h.posted_in, h.posted_out, h.pending_in, h.pending_out) IS DISTINCT FROM
          (coalesce(t.posted_in, 0), coalesce(t.posted_out, 0), coalesce(t.pending_in, 0), coalesce(t.pending_out, 0))
        OR least(h.pending_in, h.pending_out) < 0
        OR (a.kind = 'merchant_available' AND h.posted_in - h.posted_out - h.pending_out < 0)
      LIMIT ${wrongMax}`.execute(tx)
    return {
      payments: statuses.reduce((sum, row) => sum + Number(row.count), 0),
      byStatus: Object.fromEntries(statuses.map((row) => [row.status, Number(row.count)])),
      wrong: wrong.rows.map(({ id }) => id),
      misheld: misheld.rows.map(({ account }) => account),
      days,
    }
  }))
}
