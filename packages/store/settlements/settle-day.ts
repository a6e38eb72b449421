import { emit } from '@ngome/contracts'
import { newId, type Clock, type Currency, type MerchantId, type Random, type SettlementId, type Tenant, type World } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { vouchForSettlement, type Vouch } from '../events/event-words.ts'
import { guarded } from '../store-fault.ts'
import { inTenant } from '../transaction.ts'

/** Who settles, for the audit log. */
export type SettlingProcess = 'dispatcher' | 'operator'
export type SettlementTerms = {
  readonly currency: Currency
  /** Less is left for a later day; minor units. */
  readonly minimumMinor: bigint
}

export type SettledDay =
  | { readonly kind: 'settled'; readonly settlement: SettlementId; readonly day: string; readonly amountMinor: bigint }
  /** Nothing was done: no day is closed, the merchant is frozen, the day was settled, or there is less than the minimum. */
  | { readonly kind: 'no_day' | 'frozen' | 'settled_before' | 'nothing' }

type Row = { outcome: SettledDay['kind']; settled_day: string | null; settled_minor: bigint | null }

/**
 * Takes out of a merchant's available money what is to be paid to its bank: of the last closed day, what is still there without what
 * came since. Once a day, whoever does it and however many at once; settlement, transfer and event are one transaction.
 * @param db opened as `ngome_operator` or `ngome_dispatcher`
 * @param vouch for the event that tells its merchant
 * @throws Fault `store/unavailable`
 */
export async function settleDay(
  db: Database, from: { readonly clock: Clock; readonly random: Random; readonly process: SettlingProcess }, tenant: Tenant,
  { currency, minimumMinor }: SettlementTerms, vouch: Vouch,
): Promise<SettledDay> {
  const id = newId('settlement', from)
  return inTenant(db, tenant, async (tx): Promise<SettledDay> => {
    const { rows: [row] } = await sql<Row>`SELECT * FROM ngome.settle_day(${id}, ${currency}, ${minimumMinor},
      ${new Date(from.clock.nowMs())})`.execute(tx)
    if (row === undefined) throw new TypeError('a function without a set answers with one row')
    if (row.outcome !== 'settled') return { kind: row.outcome }
    if (row.settled_day === null || row.settled_minor === null) throw new TypeError('what was settled has a day and an amount')
    await vouchForSettlement(tx, tenant, id, vouch)
    await appendEvent(tx, emit(from, 'settlement.created', tenant, { settlement: id, day: row.settled_day }))
    return { kind: 'settled', settlement: id, day: row.settled_day, amountMinor: row.settled_minor }
  })
}

/** Merchants whose last closed day may have something to settle, page by page. @throws Fault `store/unavailable` */
export async function* unsettledMerchants(db: Database, world: World, currency: Currency): AsyncGenerator<MerchantId> {
  const pageSize = 500
  for (let after = ''; ;) {
    const { rows } = await guarded(() => sql<{ merchant: MerchantId }>`
      SELECT merchant FROM ngome.find_unsettled(${world}, ${currency}, ${after}, ${pageSize})`.execute(db.kysely))
    for (const { merchant } of rows) yield merchant
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize) return
    after = last.merchant
  }
}
