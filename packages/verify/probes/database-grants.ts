import type { Auditor } from '../at-rest/auditor.ts'
import { readGrants } from '../grants/read-grants.ts'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

type Target = {
  readonly auditor: Auditor
  /** The reviewed list, from `controls/expectations/database-grants.json`. */
  readonly expectedGrants: readonly string[]
}

const shownMax = 5

export const databaseGrants: Probe<Target> = {
  id: 'database-grants',
  source: import.meta.filename,
  does: 'Reads from PostgreSQL\'s catalog, as the auditor, what each role may do, and compares it with the reviewed list in controls/expectations/database-grants.json, in both directions.',
  run: async ({ auditor, expectedGrants }) => {
    const found = await readGrants(auditor)
    const surplus = found.filter((line) => !expectedGrants.includes(line))
    const missing = expectedGrants.filter((line) => !found.includes(line))
    if (surplus.length > 0) return fails(`not on the list: ${shown(surplus)}`)
    if (missing.length > 0) return fails(`on the list, but not there: ${shown(missing)}`)
    return holds(`${found.length} rights, each on the reviewed list`)
  },
}

function shown(lines: readonly string[]): string {
  const rest = lines.length > shownMax ? `; and ${lines.length - shownMax} more` : ''
  return lines.slice(0, shownMax).join('; ') + rest
}
