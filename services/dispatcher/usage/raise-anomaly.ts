import type { Anomaly } from '@ngome/behaviour'
import { emit, type AnomalyResponse } from '@ngome/contracts'
import { newId } from '@ngome/kernel'
import { findAnomalyPolicy, raiseAlert, type UsedKey } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'

/** From this score on somebody should look now, and the operator's policy acts. */
export const actingScore = 80
/** How long a restriction lasts that nobody lifts: long enough that somebody comes by. */
const restrictionMs = 12 * 3_600_000

export type Watcher = Pick<Dispatcher, 'db' | 'clock' | 'random' | 'logger'> & {
  /** What is done where the operator said nothing for the merchant. */
  readonly onAnomaly: AnomalyResponse
}

/**
 * Raises an anomaly, once for each key, kind, subject and day, and does what policy says where its score is high.
 * @throws Fault `store/unavailable`
 */
export async function raiseAnomaly(watcher: Watcher, { tenant, apiKey }: UsedKey, anomaly: Anomaly): Promise<void> {
  const { db, clock, logger } = watcher
  const policy = anomaly.score < actingScore ? 'notify' : await findAnomalyPolicy(db, tenant) ?? watcher.onAnomaly
  const { kind, score, reason } = anomaly
  const [id, atMs, source] = [newId('alert', watcher), clock.nowMs(), eventSource(watcher)]
  const restriction = policy === 'notify' ? null : restrictionFor(watcher, { tenant, apiKey }, policy, atMs)
  const result = await raiseAlert(db, tenant, { ...anomaly, id, apiKey, atMs }, restriction, (response) =>
    emit(source, score < actingScore ? 'api_key.anomaly' : 'api_key.misuse', tenant, { key: apiKey, alert: id, kind, score, reason, response }))
  if (result === 'known') return
  logger.warn({ key: apiKey, kind, score, reason, wanted: policy, result, alarm: score >= actingScore }, 'the use of a key is unusual')
}

function restrictionFor(watcher: Watcher, { tenant, apiKey }: UsedKey, restriction: Exclude<AnomalyResponse, 'notify'>, atMs: number) {
  const endsAtMs = atMs + restrictionMs
  const event = emit(eventSource(watcher), 'api_key.restricted', tenant, { key: apiKey, restriction, ends_at: new Date(endsAtMs).toISOString() })
  return { restriction, endsAtMs, event }
}

/**
 * Tells a merchant that somebody names a key of theirs and does not prove it, once a day. Nothing is done about it: else
 * whoever knows the id of a key could have it suspended.
 * @throws Fault `store/unavailable`
 */
export async function raiseFailedAuthentications(watcher: Watcher, { tenant, apiKey }: UsedKey, count: number): Promise<void> {
  const [id, atMs] = [newId('alert', watcher), watcher.clock.nowMs()]
  await raiseAlert(watcher.db, tenant, {
    id, apiKey, kind: 'failed_authentications', subject: 'key', score: 50, atMs, evidence: { failed: count },
    reason: `${count} requests within ten minutes named this key and did not prove it`,
  }, null, () => emit(eventSource(watcher), 'api_key.failed_authentications', tenant, { key: apiKey, alert: id, count }))
}
