import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'

/** The OCSP answer that is kept about a certificate, as the dispatcher wrote it. @throws Fault `store/unavailable` */
export async function findStaple(db: Database, leaf: Uint8Array): Promise<Uint8Array | undefined> {
  const row = await inPlatform(db, (tx) => tx.selectFrom('ocsp_staples').select('response').where('leaf', '=', leaf).executeTakeFirst())
  return row?.response ?? undefined
}
