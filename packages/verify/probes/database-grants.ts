import { databaseRoles, readGrants } from '@ngome/store'
import type { Auditor } from '../at-rest/auditor.ts'
import { findLoopholes } from '../grants/loopholes.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

type Target = {
  readonly auditor: Auditor
  /** The reviewed list, from `packages/store/grants.expected.txt`. */
  readonly expectedGrants: readonly string[]
}

const shownMax = 5
/** The migrator owns everything, and logs in only while the platform starts. */
const roles = databaseRoles.filter((role) => role !== 'ngome_migrator')

export const databaseGrants: Probe<Target> = {
  id: 'database-grants',
  source: import.meta.filename,
  does: 'Reads from PostgreSQL\'s catalog, as the auditor, what each role may do, and compares it with the reviewed list in packages/store/grants.expected.txt, in both directions. Then looks for what would make grants meaningless: dangerous attributes, memberships, other owners, tenants\' tables without forced row-level security.',
  run: async ({ auditor, expectedGrants }) => {
    const found = await readGrants((sql, values) => auditor.query<object>(sql, values), roles)
    if (found.length === 0) throw new NotReached('the auditor sees no grant')
    const surplus = found.filter((line) => !expectedGrants.includes(line))
    const missing = expectedGrants.filter((line) => !found.includes(line))
    const loopholes = await findLoopholes(auditor)
    if (loopholes.length > 0) return fails(shown(loopholes))
    if (surplus.length > 0) return fails(`not on the list: ${shown(surplus)}`)
    if (missing.length > 0) return fails(`on the list, but not there: ${shown(missing)}`)
    return holds(`what ${roles.length} roles may do with ${found.length} objects is on the reviewed list, and nothing passes by it`)
  },
}

function shown(lines: readonly string[]): string {
  const rest = lines.length > shownMax ? `; and ${lines.length - shownMax} more` : ''
  return lines.slice(0, shownMax).join('; ') + rest
}
