import { burstMs, hourMs, judge, judgePublishable, parseBaseline } from '@ngome/behaviour'
import { countFailedPayers, findUsedKeys, loadBaseline, loadKeyHours, loadRecentCounts, type SeenKey } from '@ngome/store'
import { hourUse, recentUse } from './key-use.ts'
import { raiseAnomaly, raiseFailedAuthentications, type Watcher } from './raise-anomaly.ts'

/** Keys of one look; with more, the busiest are looked at first, and the others when these are quiet. */
const keysPerLook = 500
/** Who mistypes a key does it a few times. */
const failedAuthenticationsMin = 10
/** Below this many payers nobody tries out numbers, and the payments need not be counted. */
const payersMin = 20

/**
 * Looks at the keys that were used since the last look, and raises what is unusual. What a look finds twice is raised once.
 * @param seen how often each key was used in the minutes before, by which a quiet key is passed over; it is kept here
 * @throws Fault `store/unavailable`
 */
export async function lookAtKeys(watcher: Watcher, seen: Map<string, number>, signal: AbortSignal): Promise<void> {
  const nowMs = watcher.clock.nowMs()
  const used = await findUsedKeys(watcher.db, { sinceMs: nowMs - burstMs, limit: keysPerLook })
  const changed = used.filter(({ apiKey, count }) => seen.get(apiKey) !== count)
  // Those that were not used for ten minutes go, so that it has the bound of a look.
  seen.clear()
  for (const { apiKey, count } of used) seen.set(apiKey, count)
  for (const key of changed) {
    if (signal.aborted) return
    await lookAtKey(watcher, key, nowMs)
  }
}

async function lookAtKey(watcher: Watcher, key: SeenKey, nowMs: number): Promise<void> {
  const { db } = watcher
  const { tenant, apiKey, isPublishable } = key
  const thisHourMs = nowMs - nowMs % hourMs
  const [kept, recent, [hour]] = await Promise.all([
    loadBaseline(db, tenant, apiKey),
    loadRecentCounts(db, tenant, apiKey, nowMs - burstMs),
    loadKeyHours(db, tenant, apiKey, { fromMs: thisHourMs, untilMs: thisHourMs + hourMs }),
  ])
  const failedPayers = recent.payers < payersMin ? 0 : await countFailedPayers(db, tenant, apiKey, nowMs - burstMs)
  const baseline = kept === undefined ? undefined : parseBaseline(kept.state)
  const anomalies = judge(baseline, hour === undefined ? undefined : hourUse(hour), recentUse(recent, failedPayers))
  for (const anomaly of isPublishable ? judgePublishable(anomalies) : anomalies) await raiseAnomaly(watcher, key, anomaly)
  if (recent.unauthenticated >= failedAuthenticationsMin) await raiseFailedAuthentications(watcher, key, recent.unauthenticated)
}
