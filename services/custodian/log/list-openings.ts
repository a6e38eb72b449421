import type { CustodianResponse } from '@ngome/contracts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'
import { proveLog } from './prove-log.ts'
import { readLog } from './read-log.ts'
import { shownRow } from './shown-row.ts'

/** Rows on a page: some 200 KB of JSON. */
const rowsPerPage = 500

/** Lets the operator pull the log. Reading it is not itself recorded, or following it would never end. */
export async function listOpenings(
  custodian: Custodian, { after, prove }: ParsedRequest<'/v1/openings'>,
): Promise<CustodianResponse<'/v1/openings'>> {
  const rows = await readLog(custodian.store, { after, limit: rowsPerPage })
  const entries = rows.map(shownRow)
  // After the rows: then the checkpoint covers all of them.
  return prove === undefined ? { entries } : { entries, proof: await proveLog(custodian, prove) }
}
