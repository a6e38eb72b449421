import { custodianEventOf, type CustodianResponse } from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'
import { leafOf } from './log-entry.ts'
import { readLog } from './read-log.ts'
import { shownRow } from './shown-row.ts'

/** Rows that one call looks at: most are openings, which nobody needs to hear of. */
const rowsLookedAt = 2_000
/** Rows that one call gives: some 200 KB of JSON at most. */
const rowsGivenMax = 100

/**
 * Gives the rows after a sequence number that somebody should hear about. It costs no budget and is not itself recorded,
 * or following it would never end. The leaf of the row `after` tells a caller who kept it whether this is still the log
 * that he has read.
 */
export async function listAlarms(
  { store }: Custodian, { after }: ParsedRequest<'/v1/alarms'>,
): Promise<CustodianResponse<'/v1/alarms'>> {
  const rows = await readLog(store, { after: Math.max(0, after - 1), limit: rowsLookedAt })
  const known = rows[0]?.sequence === after ? rows[0] : undefined
  const news = known === undefined ? rows : rows.slice(1)
  const alarming = news.filter((row) => custodianEventOf(row) !== null)
  const given = alarming.slice(0, rowsGivenMax)
  const last = alarming.length > given.length ? given.at(-1) : news.at(-1)
  return {
    known: known === undefined ? null : toBase64Url(leafOf(known)),
    until: last === undefined ? null
      : { sequence: last.sequence, leaf: toBase64Url(leafOf(last)), at: new Date(last.atMs).toISOString() },
    entries: given.map(shownRow),
  }
}
