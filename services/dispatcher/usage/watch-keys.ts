import { Fault } from '@ngome/kernel'
import { runEvery } from '../process/run-every.ts'
import { learnFromKeys } from './learn-from-keys.ts'
import { lookAtKeys } from './look-at-keys.ts'
import type { Watcher } from './raise-anomaly.ts'

/** Guessing is seen while it goes on: within this and the two seconds in which gateways write. */
const lookEveryMs = 3_000
const learnEveryMs = 300_000

/** Watches the use of keys until the signal. While the database is away that is said once. */
export function watchKeys(watcher: Watcher, signal: AbortSignal): void {
  const seen = new Map<string, number>()
  let isAway = false
  runEvery(lookEveryMs, 'the look at the use of keys', watcher.logger, signal, async () => {
    try {
      await lookAtKeys(watcher, seen, signal)
      isAway = false
    } catch (failure) {
      // Whoever was passed over is looked at again.
      seen.clear()
      if (isAway && failure instanceof Fault) return
      isAway = true
      throw failure
    }
  })
  runEvery(learnEveryMs, 'learning what is usual for keys', watcher.logger, signal, () => learnFromKeys(watcher, signal))
}
