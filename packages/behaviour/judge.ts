import type { Baseline } from './baseline.ts'
import { judgeAmount } from './judge-amount.ts'
import { judgeBurst } from './judge-burst.ts'
import { judgeHour } from './judge-hour.ts'
import { judgePlace, judgeSleep } from './judge-place.ts'
import { judgeVolume } from './judge-volume.ts'
import type { Anomaly, HourUse, RecentUse } from './use.ts'
import { scored } from './words.ts'

/** What each further kind adds: one oddity has an explanation, three at once rarely a good one. */
const togetherScore = 10

/**
 * Says what is unusual about a key's use now.
 * @param baseline what is usual; `undefined` of a key that nothing was learned of, which then has bursts only
 * @param hour this hour so far, `undefined` where the key was not used in it
 */
export function judge(baseline: Baseline | undefined, hour: HourUse | undefined, recent: RecentUse): readonly Anomaly[] {
  const ofHour = baseline === undefined || hour === undefined ? [] : judgeUse(baseline, hour)
  return together([...ofHour, ...judgeBurst(baseline, recent)])
}

/** What is unusual about an hour, bursts aside. */
export function judgeUse(baseline: Baseline, hour: HourUse): readonly Anomaly[] {
  return [
    ...judgePlace(baseline, hour), ...judgeSleep(baseline, hour), ...judgeHour(baseline, hour),
    ...judgeVolume(baseline, hour), ...judgeAmount(baseline, hour),
  ]
}

function together(anomalies: readonly Anomaly[]): readonly Anomaly[] {
  const kinds = new Set(anomalies.map(({ kind }) => kind)).size
  return anomalies.map((one) => ({ ...one, score: scored(one.score + togetherScore * (kinds - 1)) }))
}
