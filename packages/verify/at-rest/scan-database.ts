import { NotReached } from '../probe.ts'
import { ourSchemas, type Auditor } from './auditor.ts'
import { rowPatterns, type Form } from './forms.ts'

export type DatabaseScan = { readonly found: readonly string[]; readonly tableCount: number; readonly rowCount: number }

/** Searches every row of every table of ours, each row as its whole text. */
export async function scanDatabase(auditor: Auditor, forms: readonly Form[]): Promise<DatabaseScan> {
  const tables = await auditor.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
     ORDER BY 1`,
    [ourSchemas],
  )
  if (tables.length === 0) throw new NotReached('the auditor sees no table')
  const patterns = rowPatterns(forms)
  const found: string[] = []
  let rowCount = 0
  for (const { name } of tables) {
    // The name comes from the catalog, quoted by PostgreSQL itself.
    const [row] = await auditor.query<{ rows: string; hits: string }>(
      `SELECT count(*) AS rows, count(*) FILTER (WHERE t::text LIKE ANY ($1)) AS hits FROM ${name} t`,
      [patterns],
    )
    rowCount += Number(row?.rows ?? 0)
    if (Number(row?.hits ?? 0) > 0) found.push(name)
  }
  return { found, tableCount: tables.length, rowCount }
}
