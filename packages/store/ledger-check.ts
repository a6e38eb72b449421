import type { AccountId, LedgerDocumentId } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import { checkDays, type DaysReport } from './ledger/check-days.ts'
import { guarded } from './store-fault.ts'
import type { Tables } from './tables.ts'

export type LedgerReport = {
  readonly payments: number
  /** How many payments stand in each state. */
  readonly byStatus: Readonly<Record<string, number>>
  /** Payments, settlements and adjustments whose transfer is missing, differs, or stands in another state than they; none in a true ledger. */
  readonly wrong: readonly LedgerDocumentId[]
  /** Accounts that hold what they may not, or another sum than that of their transfers; none in a true ledger. */
  readonly misheld: readonly AccountId[]
  /** What was closed, and whether it still is what the transfers say. */
  readonly days: DaysReport
}

const wrongMax = 1_000

/**
 * Compares the ledger and what its transfers belong to, of all tenants, as an auditor. In a true ledger each payment has exactly the
 * transfers of its direction, of its amount and its fee, in the phase of its state, and their mirrors where it is reversed, each settlement those of its state and each adjustment
 * its one, at the accounts of its network; each account's sum is that of its transfers; nobody has taken more than there was, nobody owes
 * less than nothing, and what waits for the bank is what settlements wait for. Debits and credits are one row, so that they cannot differ.
 * @param db opened as `ngome_auditor`
 * @throws Fault `store/unavailable`
 */
export async function checkLedger(db: Database): Promise<LedgerReport> {
  return guarded(() => db.kysely.transaction().setIsolationLevel('repeatable read').execute(async (tx) => {
    const statuses = await tx.selectFrom('payments')
      .select((e) => ['status', e.fn.countAll<bigint>().as('count')]).groupBy('status').execute()
    const wrong = await wrongDocuments(tx)
    const days = await checkDays(tx)
    return {
      payments: statuses.reduce((sum, row) => sum + Number(row.count), 0),
      byStatus: Object.fromEntries(statuses.map((row) => [row.status, Number(row.count)])),
      wrong,
      misheld: await misheldAccounts(tx, days),
      days,
    }
  }))
}

/** What moved beside what should have: every document's transfers follow from it. */
async function wrongDocuments(tx: Transaction<Tables>): Promise<readonly LedgerDocumentId[]> {
  const { rows } = await sql<{ id: LedgerDocumentId }>`
    WITH due AS (
      SELECT p.merchant, p.world, p.id AS document, k.kind, p.currency, p.network, CASE WHEN k.is_reversal THEN 'posted' ELSE s.transfers END AS phase,
        CASE k.share WHEN 'amount' THEN p.amount_minor WHEN 'fee' THEN p.fee_minor ELSE p.amount_minor - p.fee_minor END AS amount_minor
      FROM ngome.payments p JOIN ngome.payment_states s ON s.status = p.status JOIN ngome.transfer_kinds k ON k.direction = p.direction
      WHERE NOT k.is_reversal OR p.status = 'reversed'
      UNION ALL
      SELECT s.merchant, s.world, s.id, k.kind, s.currency, NULL, 'posted', s.amount_minor
      FROM ngome.settlements s JOIN (VALUES ('settlement', 'created'), ('settlement', 'paid'), ('settlement', 'failed'),
        ('settlement_paid', 'paid'), ('settlement_returned', 'failed')) k (kind, state) ON k.state = s.state
      UNION ALL
      SELECT merchant, world, id, kind, currency, network, 'posted', amount_minor FROM ngome.adjustments
    ), moved AS (
      SELECT t.merchant, t.world, t.document, t.kind, t.currency, min(t.amount_minor) AS least, max(t.amount_minor) AS most, count(*) AS phases,
        count(*) FILTER (WHERE NOT t.is_end) AS begins, coalesce(max(t.phase) FILTER (WHERE t.is_end), 'pending') AS phase,
        count(DISTINCT (t.debit_account, t.credit_account)) AS ways, max(nullif(d.network, '')) AS debited, max(nullif(c.network, '')) AS credited
      FROM ngome.transfers t
        JOIN ngome.accounts d ON (d.merchant, d.world, d.id) = (t.merchant, t.world, t.debit_account)
        JOIN ngome.accounts c ON (c.merchant, c.world, c.id) = (t.merchant, t.world, t.credit_account)
      GROUP BY t.merchant, t.world, t.document, t.kind, t.currency
    )
    SELECT DISTINCT coalesce(d.document, m.document) AS id
    FROM (SELECT * FROM due WHERE amount_minor <> 0) d FULL JOIN moved m
      ON (m.merchant, m.world, m.document, m.kind, m.currency) = (d.merchant, d.world, d.document, d.kind, d.currency)
    WHERE d.document IS NULL OR m.document IS NULL OR m.begins <> 1 OR m.ways <> 1 OR m.phase <> d.phase
      OR m.least <> d.amount_minor OR m.most <> d.amount_minor OR m.phases <> CASE d.phase WHEN 'pending' THEN 1 ELSE 2 END
      OR m.debited <> d.network OR m.credited <> d.network
    LIMIT ${wrongMax}`.execute(tx)
  return rows.map(({ id }) => id)
}

async function misheldAccounts(tx: Transaction<Tables>, days: DaysReport): Promise<readonly AccountId[]> {
  // The sums of another cluster are refused, which is a finding by itself.
  if (days.isForeign) return []
  const { rows } = await sql<{ account: AccountId }>`
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
      LEFT JOIN LATERAL (SELECT coalesce(sum(s.amount_minor), 0) AS amount_minor FROM ngome.settlements s
        WHERE (s.merchant, s.world, s.currency) = (a.merchant, a.world, a.currency) AND s.state = 'created' AND a.kind = 'merchant_settlement') w ON true
    WHERE h.posted_in IS NULL
      OR (h.posted_in, h.posted_out, h.pending_in, h.pending_out) IS DISTINCT FROM
        (coalesce(t.posted_in, 0), coalesce(t.posted_out, 0), coalesce(t.pending_in, 0), coalesce(t.pending_out, 0))
      OR least(h.pending_in, h.pending_out) < 0
      OR (a.kind = 'merchant_available' AND h.posted_in - h.posted_out - h.pending_out < 0)
      OR (a.kind = 'merchant_debt' AND h.posted_in + h.pending_in - h.posted_out > 0)
      OR (a.kind = 'merchant_settlement' AND h.posted_in - h.posted_out <> w.amount_minor)
    LIMIT ${wrongMax}`.execute(tx)
  return rows.map(({ account }) => account)
}
