import { emit } from '@ngome/contracts'
import type { Clock, Random, SettlementId, Tenant } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { vouchForSettlement, type Vouch } from '../events/event-words.ts'
import { inTenant } from '../transaction.ts'

export type SettlementEnd =
  | { readonly state: 'paid'; readonly bankReference: string }
  | { readonly state: 'failed'; readonly failure: string }

/**
 * Records what the operator's bank did with a settlement: what it paid has left, what it did not is available again. Once; who says it
 * again hears what was said.
 * @param db opened as `ngome_operator`
 * @param vouch for the event that tells its merchant
 * @returns `done`, the state that it has already, or `unknown`
 * @throws Fault `store/unavailable`
 */
export async function endSettlement(
  db: Database, from: { readonly clock: Clock; readonly random: Random }, tenant: Tenant, settlement: SettlementId, end: SettlementEnd, vouch: Vouch,
): Promise<'done' | 'paid' | 'failed' | 'unknown'> {
  const words = end.state === 'paid' ? end.bankReference : end.failure
  return inTenant(db, tenant, async (tx) => {
    const { rows: [row] } = await sql<{ outcome: 'done' | 'paid' | 'failed' | 'unknown' }>`SELECT outcome
      FROM ngome.end_settlement(${settlement}, ${end.state}, ${words}, ${new Date(from.clock.nowMs())})`.execute(tx)
    if (row === undefined) throw new TypeError('a function without a set answers with one row')
    if (row.outcome === 'done') {
      await vouchForSettlement(tx, tenant, settlement, vouch)
      await appendEvent(tx, emit({ ...from, process: 'operator' }, `settlement.${end.state}`, tenant, { settlement, words }))
    }
    return row.outcome
  })
}
