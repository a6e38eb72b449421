import { tlsFindingCodes, tlsObservationSchema } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'
import type { TlsCheck } from './record-tls-check.ts'

/** The newest checks of an address, the newest first. @throws Fault `store/unavailable` */
export async function findLastTlsChecks(db: Database, address: string, limit: number): Promise<readonly TlsCheck[]> {
  const rows = await inPlatform(db, (tx) => tx.selectFrom('tls_checks').selectAll()
    .where('address', '=', address).orderBy('checked_at', 'desc').orderBy('id', 'desc').limit(limit).execute())
  return rows.map((row) => {
    // Evidence of an older version may have another form; then it is as if nothing was seen before.
    const observed = tlsObservationSchema.safeParse(row.observed)
    return {
      id: row.id, address: row.address, checkedAtMs: row.checked_at.getTime(), verdict: row.verdict,
      findings: tlsFindingCodes.filter((code) => row.findings.includes(code)),
      chain: row.chain, observed: observed.success ? observed.data : null,
    }
  })
}
