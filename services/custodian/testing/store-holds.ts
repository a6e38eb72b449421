import { checkLog } from '../log/check-log.ts'
import type { Reading } from '../store/store.ts'

/** What must be nowhere in a store, at rest between two runs as much as after the end of everything; each a count. */
const nowhere: Readonly<Record<string, string>> = {
  'a key that is wrapped and has no life, or a destroyed one': `SELECT count(*) AS count FROM wrapped_keys w
    LEFT JOIN key_lives l ON l.purpose = w.purpose AND l.name = w.name WHERE l.state IS NULL OR l.state = 'destroyed'`,
  'a key that lives and is nowhere': `SELECT count(*) AS count FROM key_lives l
    LEFT JOIN wrapped_keys w ON w.purpose = l.purpose AND w.name = l.name
    WHERE l.purpose <> 'root' AND l.state <> 'destroyed' AND w.name IS NULL`,
  'a key under a root that is not there any more': `SELECT count(*) AS count FROM wrapped_keys w
    LEFT JOIN key_lives l ON l.purpose = 'root' AND l.name = w.root WHERE l.state IS NULL OR l.state = 'destroyed'`,
  'a second active root': `SELECT count(*) - 1 AS count FROM key_lives WHERE purpose = 'root' AND state = 'active'`,
  'a public half without a life': `SELECT count(*) AS count FROM merchant_keys m
    LEFT JOIN key_lives l ON l.purpose = 'merchant' AND l.name = m.id WHERE l.state IS NULL`,
}

/** What must be nowhere once nothing is under way. */
const nowhereAtRest: Readonly<Record<string, string>> = {
  'a key that still needs the root before': `SELECT count(*) AS count FROM wrapped_keys w
    JOIN key_lives l ON l.purpose = 'root' AND l.name = w.root WHERE l.state <> 'active'`,
  'a root before that is not destroyed': `SELECT count(*) AS count FROM key_lives
    WHERE purpose = 'root' AND state NOT IN ('active', 'destroyed')`,
  'a destruction without its certificate': `SELECT count(*) AS count FROM destructions
    WHERE state = 'done' AND certificate IS NULL`,
}

/** Whether something is being replaced, or was destroyed and is certified by the next look at keys. */
export async function isUnderWay(store: Reading): Promise<boolean> {
  return await store.get(`SELECT 1 FROM rotations WHERE state = 'running'
    UNION ALL SELECT 1 FROM destructions WHERE state = 'deleted'`) !== undefined
}

/**
 * Holds keys, lives, rotations and the log of a store against each other.
 * @returns what does not agree, a line each
 */
export async function wrongsOf(store: Reading): Promise<readonly string[]> {
  const wrongs: string[] = []
  const check = await checkLog(store)
  if (!check.ok) wrongs.push(`the log is broken at ${check.brokenAt}`)
  const rules = await isUnderWay(store) ? nowhere : { ...nowhere, ...nowhereAtRest }
  for (const [what, sql] of Object.entries(rules)) {
    const count = Number((await store.get(sql))?.['count'])
    if (count !== 0) wrongs.push(`${what}: ${count}`)
  }
  const told = (await store.all(`SELECT subject FROM log WHERE operation NOT IN ('/v1/open', '/v1/merchant-keys')`))
    .map(({ subject }) => String(subject)).join('\n')
  for (const table of ['rotations', 'destructions']) {
    for (const { id } of await store.all(`SELECT id FROM ${table}`)) {
      if (!told.includes(String(id))) wrongs.push(`${String(id)} of ${table} is not in the log`)
    }
  }
  return wrongs
}

/**
 * Looks for openings that were answered.
 * @returns those of them that are not in the log
 */
export async function unlogged(store: Reading, answered: readonly string[]): Promise<readonly string[]> {
  const rows = await store.all(`SELECT subject FROM log WHERE operation = '/v1/open' AND outcome = 'allowed'`)
  const logged = rows.map(({ subject }) => String(subject)).join('\n')
  return answered.filter((record) => !logged.includes(record))
}
