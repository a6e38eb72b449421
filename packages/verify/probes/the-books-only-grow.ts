import type { PaymentId } from '@ngome/kernel'
import { databaseRoles } from '@ngome/store'
import type { Auditor } from '../at-rest/auditor.ts'
import type { Planted } from '../at-rest/plant-payment.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'

/** Roles whose passwords are the operator's own to use; those of the services are not. */
export type AttemptingRole = 'operator' | 'auditor'
export type BooksOfProbes = {
  /** What `ngome ledger check` compares, with what differs of each. */
  readonly ledgerFindings: () => Promise<readonly { readonly what: string; readonly found: readonly string[] }[]>
  /** Tries a statement in this role, and takes back what it did. @returns PostgreSQL's code of its refusal, `undefined` where it was let */
  readonly attemptAs: (role: AttemptingRole, statement: string) => Promise<string | undefined>
}
type Target = BooksOfProbes & Planted & { readonly auditor: Auditor }

/** What is written once and stays, and the columns of each that may change. */
const books: readonly (readonly [table: string, column: string, mayChange: readonly string[]])[] = [
  ['transfers', 'amount_minor', []], ['events', 'data', []], ['audit_leaves', 'leaf', []], ['object_events', 'facts', ['proof']],
  ['settlements', 'amount_minor', []], ['adjustments', 'amount_minor', []], ['account_days', 'opening_minor', []], ['ledger_days', 'ends_at', []],
]
/** The migrator owns everything, and logs in only while the platform starts. */
const roles = databaseRoles.filter((role) => role !== 'ngome_migrator')
/** insufficient_privilege, and read_only_sql_transaction, which the auditor's are. */
const refusals: readonly (string | undefined)[] = ['42501', '25006']
const shownMax = 5

export const theBooksOnlyGrow: Probe<Target> = {
  id: 'the-books-only-grow',
  source: import.meta.filename,
  does: 'Has the whole ledger proven as ngome ledger check does, as the auditor, and looks that a payment of the probes has each of its transfers begun once and ended once, between the same accounts and of one amount. Tries to change and to remove transfers, events and settlements in the auditor\'s and the operator\'s role, and reads from the catalog whether any role may, partitions among them.',
  timeMsMax: 60_000,
  run: async (target) => {
    const { id } = await target.planted('first')
    const found = await differences(target) ?? await transfersOf(target.auditor, id) ?? await attempts(target)
    if (found !== undefined) return found
    const allowed = await mayChange(target.auditor)
    if (allowed.length > 0) return fails(`what stays may be changed: ${allowed.slice(0, shownMax).join('; ')}`)
    return holds(`the ledger agrees with itself; a payment's transfers are one beginning and one end each; ${books.length} tables take no change and no removal from the auditor and the operator, who tried, nor from any of ${roles.length} roles`)
  },
}

async function differences({ ledgerFindings }: Target): Promise<Verdict | undefined> {
  const wrong = (await ledgerFindings()).filter(({ found }) => found.length > 0)
  return wrong.length === 0 ? undefined : fails(wrong.map(({ what, found }) => `not so: ${what} (${found.slice(0, shownMax).join(', ')})`).join('; '))
}

async function transfersOf(auditor: Auditor, payment: PaymentId): Promise<Verdict | undefined> {
  const rows = await auditor.query<{ kind: string; begins: unknown; ends: unknown; ways: unknown }>(`
    SELECT kind, count(*) FILTER (WHERE NOT is_end) AS begins, count(*) FILTER (WHERE is_end) AS ends,
      count(DISTINCT (debit_account, credit_account, amount_minor, currency)) AS ways
    FROM ngome.transfers WHERE document = $1 GROUP BY kind`, [payment])
  if (rows.length === 0) return fails('a payment of the probes has no transfer')
  const wrong = rows.find(({ begins, ends, ways }) => [begins, ends, ways].some((count) => Number(count) !== 1))
  return wrong === undefined ? undefined : fails(`a payment's ${wrong.kind} began ${Number(wrong.begins)} times, ended ${Number(wrong.ends)} times, and is ${Number(wrong.ways)} different transfers`)
}

/** Of no row, so that nothing is changed where one is let; a privilege is asked for before rows are looked at. */
async function attempts({ attemptAs }: Target): Promise<Verdict | undefined> {
  for (const [table, column] of books) {
    for (const role of ['operator', 'auditor'] as const) {
      for (const statement of [`UPDATE ngome.${table} SET ${column} = ${column} WHERE false`, `DELETE FROM ngome.${table} WHERE false`]) {
        const code = await attemptAs(role, statement)
        if (!refusals.includes(code)) return fails(`the ${role}'s role was ${code === undefined ? 'let' : `answered ${code} to`} ${statement}`)
      }
    }
  }
  return undefined
}

/** @returns role, table and privilege of whatever lets what stays be changed */
async function mayChange(auditor: Auditor): Promise<readonly string[]> {
  const allowed: string[] = []
  for (const [table, , changing] of books) {
    const rows = await auditor.query<{ name: string; role: string | null; privilege: string }>(`
      WITH parts AS (SELECT $1::regclass AS part UNION SELECT relid FROM pg_partition_tree($1::regclass))
      SELECT part::text AS name, role, privilege FROM parts CROSS JOIN unnest($2::text[]) role CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) p (privilege)
      WHERE has_table_privilege(role, part, privilege) OR (privilege = 'UPDATE' AND EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = part AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL ($3)
          AND has_column_privilege(role, part, a.attnum, 'UPDATE')))
      UNION ALL SELECT part::text, NULL, NULL FROM parts`, [`ngome.${table}`, roles, changing])
    if (rows.length === 0) throw new NotReached(`the auditor sees no ${table}`)
    allowed.push(...rows.flatMap(({ name, role, privilege }) => role === null ? [] : [`${role} ${privilege} ${name}`]))
  }
  return allowed
}
