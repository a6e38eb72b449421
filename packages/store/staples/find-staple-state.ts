import type { StapleFailure, StapleStatus } from '@ngome/contracts'
import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'

/** What is kept about a certificate, for those who watch: the last proven answer, and why there is no newer one. */
export type StapleState = {
  readonly status: StapleStatus | null
  readonly endsAtMs: number | null
  /** Of the last question, `null` where it was answered. */
  readonly failure: StapleFailure | null
}

/**
 * @param leaf SHA-256 of the certificate (DER)
 * @returns `undefined` where no gateway wants to know: it names no responder, or nobody serves it
 * @throws Fault `store/unavailable`
 */
export async function findStapleState(db: Database, leaf: Uint8Array): Promise<StapleState | undefined> {
  const row = await inPlatform(db, (tx) => tx.selectFrom('ocsp_staples').select(['status', 'next_update', 'failure']).where('leaf', '=', leaf).executeTakeFirst())
  return row && { status: row.status, endsAtMs: row.next_update?.getTime() ?? null, failure: row.failure }
}
