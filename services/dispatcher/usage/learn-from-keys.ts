import { dayMs, hourMs, learn, parseBaseline, type Baseline } from '@ngome/behaviour'
import { findUnlearnedKeys, loadBaseline, loadKeyHours, saveBaseline, type UsedKey } from '@ngome/store'
import { hourUse } from './key-use.ts'
import type { Watcher } from './raise-anomaly.ts'

/** Gateways write every two seconds: after this an hour is whole. */
const settledMs = 120_000
/** Hours that were not learned within this are not learned: their minutes are hours by then. */
const learnableMs = 2 * dayMs
const keysPerRun = 1_000

/**
 * Learns the hours that are over, each once and in order.
 * @throws Fault `store/unavailable`
 */
export async function learnFromKeys(watcher: Watcher, signal: AbortSignal): Promise<void> {
  const settledAtMs = watcher.clock.nowMs() - settledMs
  const untilMs = settledAtMs - settledAtMs % hourMs
  for (const key of await findUnlearnedKeys(watcher.db, { sinceMs: untilMs - learnableMs, untilMs, limit: keysPerRun })) {
    if (signal.aborted) return
    await learnFromKey(watcher, key, untilMs)
  }
}

async function learnFromKey({ db, logger }: Watcher, { tenant, apiKey }: UsedKey, untilMs: number): Promise<void> {
  const kept = await loadBaseline(db, tenant, apiKey)
  const before = kept === undefined ? undefined : parseBaseline(kept.state)
  if (kept !== undefined && before === undefined) logger.warn({ key: apiKey }, 'what was learned of a key cannot be read: learning begins anew')
  const fromMs = Math.max(kept?.learnedToMs ?? 0, untilMs - learnableMs)
  const hours = await loadKeyHours(db, tenant, apiKey, { fromMs, untilMs })
  const after = hours.reduce<Baseline | undefined>((baseline, hour) => learn(baseline, hourUse(hour)), before)
  if (after !== undefined) await saveBaseline(db, tenant, apiKey, { state: after, learnedToMs: untilMs }, kept?.learnedToMs ?? null)
}
