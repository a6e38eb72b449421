import type { AccountId } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import type { Tables } from '../tables.ts'

export type DaysReport = {
  /** The ledger came from another cluster: nothing moves before its sums are made anew. */
  readonly isForeign: boolean
  readonly closedDays: number
  readonly lastClosedDay: string | null
  /** Days that were cut hours ago and are not closed: some transaction has not ended since, or housekeeping does not run. */
  readonly lateDays: readonly string[]
  /** Account and day whose row does not follow from the one before, or holds another sum than the transfers of the day. */
  readonly wrongDays: readonly { readonly account: AccountId; readonly day: string }[]
  /** Days whose chain is broken: rows were changed, removed or added after they were closed. */
  readonly brokenDays: readonly string[]
  /** Accounts whose closed days do not hold every transfer that was posted before the last of them ended, each once. */
  readonly unbooked: readonly AccountId[]
}

const wrongMax = 1_000

/** Compares what was closed with the transfers that it was closed from. */
export async function checkDays(tx: Transaction<Tables>): Promise<DaysReport> {
  const { rows: [state] } = await sql<{ foreign: boolean; closed: bigint; last: string | null; late: string[] }>`
    SELECT (SELECT e.cluster FROM ngome.ledger_eras e ORDER BY e.era DESC LIMIT 1) IS DISTINCT FROM
        (SELECT c.system_identifier FROM pg_control_system() c) AS foreign,
      (SELECT count(*) FROM ngome.closed_days) AS closed, (SELECT to_char(max(day), 'YYYY-MM-DD') FROM ngome.closed_days) AS last,
      ARRAY(SELECT to_char(d.day, 'YYYY-MM-DD') FROM ngome.ledger_days d
        WHERE d.cut_at < now() - interval '6 hours' AND NOT EXISTS (SELECT FROM ngome.closed_days c WHERE c.day = d.day)) AS late`.execute(tx)
  const wrong = await sql<{ account: AccountId; day: string }>`
    WITH chained AS (
      SELECT d.*, lag(d.closing_minor, 1, 0::bigint) OVER w AS closing_before, lag(d.hash, 1, ''::bytea) OVER w AS true_before
      FROM ngome.account_days d WINDOW w AS (PARTITION BY d.account ORDER BY d.day)
    )
    SELECT c.account, to_char(c.day, 'YYYY-MM-DD') AS day FROM chained c JOIN ngome.ledger_days l ON l.day = c.day
      LEFT JOIN LATERAL (SELECT e.era, e.below FROM ngome.ledger_days e WHERE e.day < c.day ORDER BY e.day DESC LIMIT 1) b ON true
      CROSS JOIN LATERAL ngome.posted_between(c.account, coalesce(b.era, 0), coalesce(b.below, '0'), l.era, l.below) p
    WHERE c.opening_minor <> c.closing_before OR c.hash_before <> c.true_before
      OR (c.in_minor, c.out_minor, c.entries) <> (p.in_minor, p.out_minor, p.entries)
      OR c.hash <> ngome.account_day_hash(c.hash_before, c.account, c.day, c.opening_minor, c.in_minor, c.out_minor, c.closing_minor, c.entries)
    ORDER BY c.day, c.account LIMIT ${wrongMax}`.execute(tx)
  const broken = await sql<{ day: string }>`
    SELECT to_char(day, 'YYYY-MM-DD') AS day FROM (SELECT c.*, lag(c.hash, 1, ''::bytea) OVER (ORDER BY c.day) AS true_before FROM ngome.closed_days c) c
    WHERE c.hash_before <> c.true_before OR c.hash <> ngome.closed_day_hash(c.hash_before, c.day)
      OR c.accounts <> (SELECT count(*) FROM ngome.account_days d WHERE d.day = c.day)
    ORDER BY c.day LIMIT ${wrongMax}`.execute(tx)
  const unbooked = await sql<{ account: AccountId }>`
    WITH last_cut AS (SELECT l.era, l.below FROM ngome.closed_days c JOIN ngome.ledger_days l ON l.day = c.day ORDER BY c.day DESC LIMIT 1)
    SELECT a.id AS account FROM ngome.accounts a CROSS JOIN last_cut l
      CROSS JOIN LATERAL ngome.posted_between(a.id, 0, '0', l.era, l.below) p
      LEFT JOIN LATERAL (
        SELECT sum(d.in_minor) AS in_minor, sum(d.out_minor) AS out_minor, sum(d.entries) AS entries FROM ngome.account_days d
        WHERE d.account = a.id AND EXISTS (SELECT FROM ngome.closed_days c WHERE c.day = d.day)
      ) b ON true
    WHERE (p.in_minor, p.out_minor, p.entries) IS DISTINCT FROM (coalesce(b.in_minor, 0), coalesce(b.out_minor, 0), coalesce(b.entries, 0))
    ORDER BY a.id LIMIT ${wrongMax}`.execute(tx)
  return {
    isForeign: state?.foreign ?? true, closedDays: Number(state?.closed ?? 0), lastClosedDay: state?.last ?? null, lateDays: state?.late ?? [],
    wrongDays: wrong.rows, brokenDays: broken.rows.map(({ day }) => day), unbooked: unbooked.rows.map(({ account }) => account),
  }
}
