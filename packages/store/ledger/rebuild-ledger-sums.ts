import { openClient, type Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

export type RebuiltSums = {
  readonly accounts: number
  /** Which time of the ledger it is now. */
  readonly era: number
  /** The ledger came from another cluster, and moves here from now on. */
  readonly isNewEra: boolean
}

/**
 * Makes every account's sum anew from all of its transfers, while nothing moves. In a cluster that the ledger was read into this begins
 * another era: nothing is taken or given there before (ADR 32).
 * @param db opened as `ngome_operator`
 * @throws Fault `store/unavailable`
 */
export async function rebuildLedgerSums(db: Database): Promise<RebuiltSums> {
  // A connection of its own: it takes as long as the ledger is long, and a pool's statements have a limit.
  const client = await openClient(db.connection)
  try {
    const { rows: [row] } = await guarded(() => client.query<{ accounts: number; era: number; is_new_era: boolean }>(
      'SELECT * FROM ngome.rebuild_ledger_sums()'))
    if (row === undefined) throw new TypeError('a function without a set answers with one row')
    return { accounts: row.accounts, era: row.era, isNewEra: row.is_new_era }
  } finally {
    await client.end()
  }
}
