import type { CustodianResponse } from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'
import { readLog } from './read-log.ts'

/** Rows on a page: some 200 KB of JSON. */
const rowsPerPage = 500

/** Lets the operator pull the log. Reading it is not itself recorded, or following it would never end. */
export async function listOpenings(
  { store }: Custodian, { after }: ParsedRequest<'/v1/openings'>,
): Promise<CustodianResponse<'/v1/openings'>> {
  const rows = await readLog(store, { after, limit: rowsPerPage })
  return {
    entries: rows.map(({ sequence, atMs, caller, operation, outcome, reason, subject, hash }) => ({
      sequence, at: new Date(atMs).toISOString(), caller, operation, outcome, reason, subject, hash: toBase64Url(hash),
    })),
  }
}
