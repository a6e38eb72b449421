import type { SettlementState } from '@ngome/contracts'
import type { Currency, MerchantId, SettlementId, Tenant } from '@ngome/kernel'
import type { ShownSettlement } from '@ngome/payments'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { guarded } from '../store-fault.ts'
import { timeOf } from '../time-of.ts'

export type SettlementRow = ShownSettlement

/** The most that one page holds. */
const pageMax = 1_000
const columns = `id, merchant, world, currency, amount_minor, to_char(day, 'YYYY-MM-DD') AS day, state, bank_reference, failure, created_at, updated_at`

/** @returns `undefined` for one that never was and for another tenant's. @throws Fault `store/unavailable` */
export async function findSettlement(db: Database, tenant: Tenant, id: SettlementId): Promise<SettlementRow | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_settlement',
    text: `SELECT ${columns} FROM ngome.settlements WHERE merchant = $1 AND world = $2 AND id = $3`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const [row] = result?.rows ?? []
  return row === undefined ? undefined : toRow(row)
}

/** Lists a tenant's settlements, the newest first. @throws Fault `store/unavailable` */
export async function listSettlements(
  db: Database, tenant: Tenant, page: { readonly after: SettlementId | null; readonly limit: number; readonly state: SettlementState | null },
): Promise<readonly SettlementRow[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_settlements',
    text: `SELECT ${columns} FROM ngome.settlements WHERE merchant = $1 AND world = $2 AND ($4::text IS NULL OR id < $4) AND ($5::text IS NULL OR state = $5)
      ORDER BY id DESC LIMIT $3`,
    values: [tenant.merchant, tenant.world, Math.min(page.limit, pageMax), page.after, page.state],
  }])
  return (result?.rows ?? []).map(toRow)
}

/**
 * Lists settlements of all merchants, the oldest first, for the operator.
 * @param db opened as `ngome_operator`
 * @throws Fault `store/unavailable`
 */
export async function allSettlements(
  db: Database, page: { readonly after: SettlementId | null; readonly limit: number; readonly state: SettlementState | null; readonly merchant: MerchantId | null },
): Promise<readonly SettlementRow[]> {
  const { rows } = await guarded(() => db.pool.query<Record<string, unknown>>(`SELECT ${columns} FROM ngome.settlements
    WHERE ($1::text IS NULL OR id > $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR merchant = $3) ORDER BY id LIMIT $4`,
  [page.after, page.state, page.merchant, Math.min(page.limit, pageMax)]))
  return rows.map(toRow)
}

/** Whose settlement it is, for the operator. @throws Fault `store/unavailable` */
export async function settlementTenant(db: Database, id: SettlementId): Promise<Tenant | undefined> {
  const { rows: [row] } = await guarded(() => db.pool.query<Tenant>('SELECT merchant, world FROM ngome.settlements WHERE id = $1', [id]))
  return row
}

/** @param db opened as `ngome_dispatcher` @returns `null` before the first. @throws Fault `store/unavailable` */
export async function lastClosedDay(db: Database): Promise<string | null> {
  const { rows: [row] } = await guarded(() => db.pool.query<{ day: string | null }>("SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM ngome.closed_days"))
  return row?.day ?? null
}

function toRow(row: Record<string, unknown>): SettlementRow {
  return {
    id: row['id'] as SettlementId, tenant: { merchant: row['merchant'] as MerchantId, world: row['world'] as Tenant['world'] },
    currency: row['currency'] as Currency, amountMinor: row['amount_minor'] as bigint, day: row['day'] as string,
    state: row['state'] as SettlementState, bankReference: row['bank_reference'] as string | null, failure: row['failure'] as string | null,
    createdAtMs: timeOf(row['created_at'] as Date), updatedAtMs: timeOf(row['updated_at'] as Date),
  }
}
