import type { AlertKind, AnomalyResponse, Event, Restriction } from '@ngome/contracts'
import type { AlertId, ApiKeyId, Tenant } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { guarded } from '../store-fault.ts'
import { inTenant } from '../transaction.ts'

export type NewAlert = {
  readonly id: AlertId
  readonly apiKey: ApiKeyId
  readonly kind: AlertKind
  /** What of the kind: with key, kind and day it makes the alert one of its kind. */
  readonly subject: string
  readonly score: number
  readonly reason: string
  readonly evidence: Readonly<Record<string, number | string>>
  readonly response: AnomalyResponse
  readonly atMs: number
}

/** Who restricts: the key gets it with the alert, as far as the database's bounds allow. */
export type NewRestriction = { readonly restriction: Restriction; readonly endsAtMs: number; readonly event: Event }
export type RestrictionResult = 'restricted' | 'already' | 'bounded' | 'unknown' | 'refused'

/**
 * Keeps an alert with its event, once for each key, kind, subject and day, and restricts the key in the same transaction
 * where that is asked for.
 * @returns `known` where it was raised before; else what became of the restriction, `null` where none was asked for
 * @throws Fault `store/unavailable`
 */
export async function raiseAlert(
  db: Database, tenant: Tenant, alert: NewAlert, event: Event, restrict: NewRestriction | null,
): Promise<'known' | RestrictionResult | null> {
  return inTenant(db, tenant, async (tx) => {
    const { numInsertedOrUpdatedRows: inserted } = await tx.insertInto('api_key_alerts').values({
      ...tenant, id: alert.id, api_key: alert.apiKey, kind: alert.kind, subject: alert.subject, score: alert.score,
      reason: alert.reason, evidence: JSON.stringify(alert.evidence), response: alert.response, at: new Date(alert.atMs),
      day: sql<Date>`(${new Date(alert.atMs)}::timestamptz AT TIME ZONE 'UTC')::date`,
    }).onConflict((conflict) => conflict.columns(['api_key', 'kind', 'subject', 'day']).doNothing()).executeTakeFirstOrThrow()
    if (inserted === 0n) return 'known'
    await appendEvent(tx, event)
    if (restrict === null) return null
    const { rows } = await sql<{ result: RestrictionResult }>`SELECT ngome.restrict_api_key(
      ${alert.apiKey}, ${restrict.restriction}, ${new Date(restrict.endsAtMs)}) AS result`.execute(tx)
    const result = rows[0]?.result ?? 'refused'
    if (result === 'restricted') await appendEvent(tx, restrict.event)
    return result
  })
}

/**
 * What the operator wants done for this tenant; `null` where nothing was said.
 * @throws Fault `store/unavailable`
 */
export async function findAnomalyPolicy(db: Database, tenant: Tenant): Promise<AnomalyResponse | null> {
  const { rows } = await guarded(() => db.pool.query<{ policy: AnomalyResponse | null }>(
    'SELECT ngome.anomaly_policy($1, $2) AS policy', [tenant.merchant, tenant.world]))
  return rows[0]?.policy ?? null
}
