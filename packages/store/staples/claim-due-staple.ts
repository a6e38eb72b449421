import type { StapleStatus } from '@ngome/contracts'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'

/** What is known of a certificate's status, and how it went to ask. Times in milliseconds. */
export type StapleRow = {
  /** SHA-256 of the certificate (DER). */
  readonly leaf: Uint8Array
  /** PEM, the leaf first. */
  readonly chain: string
  readonly kept: { readonly response: Uint8Array; readonly status: StapleStatus; readonly thisUpdateMs: number; readonly nextUpdateMs: number } | undefined
  readonly failures: number
  readonly failingSinceMs: number | undefined
  readonly toldAtMs: number | undefined
}

/** What no gateway has wanted for so long is asked about no more. */
const wantedMs = 86_400_000

/**
 * Takes one certificate that is due to be asked about, for as long as `holdMs`: two dispatchers do not ask at once, and one
 * that dies holds nobody up for longer.
 * @throws Fault `store/unavailable`
 */
export async function claimDueStaple(db: Database, { nowMs, holdMs }: { readonly nowMs: number; readonly holdMs: number }): Promise<StapleRow | undefined> {
  const row = await inPlatform(db, (tx) => tx.updateTable('ocsp_staples').set({ next_ask_at: new Date(nowMs + holdMs) })
    .where('leaf', '=', (from) => from.selectFrom('ocsp_staples').select('leaf')
      .where('next_ask_at', '<=', new Date(nowMs)).where('wanted_at', '>', sql<Date>`now() - make_interval(secs => ${wantedMs / 1_000})`)
      .orderBy('next_ask_at').limit(1).forUpdate().skipLocked())
    .returningAll().executeTakeFirst())
  if (row === undefined) return undefined
  const { response, status, this_update: from, next_update: until } = row
  return {
    leaf: row.leaf, chain: row.chain, failures: row.failures,
    failingSinceMs: row.failing_since?.getTime(), toldAtMs: row.told_at?.getTime(),
    kept: response === null || status === null || from === null || until === null
      ? undefined
      : { response, status, thisUpdateMs: from.getTime(), nextUpdateMs: until.getTime() },
  }
}
