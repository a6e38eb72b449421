import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'

export type PinSetRow = { readonly version: number; readonly statement: string; readonly publishedAtMs: number }

/** The newest pin set, as the custodian signed it; `undefined` where none was published. @throws Fault `store/unavailable` */
export async function findPinSet(db: Database): Promise<PinSetRow | undefined> {
  const row = await inPlatform(db, (tx) => tx.selectFrom('pin_sets').selectAll().orderBy('version', 'desc').limit(1).executeTakeFirst())
  return row && { version: row.version, statement: row.statement, publishedAtMs: row.published_at.getTime() }
}
