import type { AlertKind, AnomalyResponse, Event, Restriction } from '@ngome/contracts'
import type { AlertId, ApiKeyId, Tenant } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { guarded } from '../store-fault.ts'
import type { Tables } from '../tables.ts'
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
  readonly atMs: number
}

/** What the key is to get with the alert, as far as the database's bounds allow. */
export type NewRestriction = { readonly restriction: Restriction; readonly endsAtMs: number; readonly event: Event }
export type RestrictionResult = 'restricted' | 'already' | 'bounded' | 'unknown' | 'refused'

/**
 * Keeps an alert with its event, once for each key, kind, subject and day, and restricts the key in the same transaction
 * where that is asked for. What the alert says was done was done.
 * @param eventOf makes the event, of what was done
 * @returns `known` where it was raised before; else what became of the restriction, `null` where none was asked for
 * @throws Fault `store/unavailable`
 */
export async function raiseAlert(
  db: Database, tenant: Tenant, alert: NewAlert, restrict: NewRestriction | null, eventOf: (response: AnomalyResponse) => Event,
): Promise<'known' | RestrictionResult | null> {
  const day = sql<Date>`(${new Date(alert.atMs)}::timestamptz AT TIME ZONE 'UTC')::date`
  return inTenant(db, tenant, async (tx) => {
    const known = await tx.selectFrom('api_key_alerts').select('id').where('api_key', '=', alert.apiKey)
      .where('kind', '=', alert.kind).where('subject', '=', alert.subject).where('day', '=', day).executeTakeFirst()
    if (known !== undefined) return 'known'
    const result = restrict === null ? null : await restrictKey(tx, alert.apiKey, restrict)
    const response = restrict !== null && (result === 'restricted' || result === 'already') ? restrict.restriction : 'notify'
    const { numInsertedOrUpdatedRows: inserted } = await tx.insertInto('api_key_alerts').values({
      ...tenant, id: alert.id, api_key: alert.apiKey, kind: alert.kind, subject: alert.subject, score: alert.score,
      reason: alert.reason, evidence: JSON.stringify(alert.evidence), response, at: new Date(alert.atMs), day,
    }).onConflict((conflict) => conflict.columns(['api_key', 'kind', 'subject', 'day']).doNothing()).executeTakeFirstOrThrow()
    // Another dispatcher was as fast, and did the same.
    if (inserted === 0n) return 'known'
    await appendEvent(tx, eventOf(response))
    return result
  })
}

async function restrictKey(tx: Transaction<Tables>, key: ApiKeyId, { restriction, endsAtMs, event }: NewRestriction): Promise<RestrictionResult> {
  const { rows } = await sql<{ result: RestrictionResult }>`SELECT ngome.restrict_api_key(
    ${key}, ${restriction}, ${new Date(endsAtMs)}) AS result`.execute(tx)
  const result = rows[0]?.result ?? 'refused'
  if (result === 'restricted') await appendEvent(tx, event)
  return result
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
