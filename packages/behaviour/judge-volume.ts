import { ageDays, hasLearned, type Baseline } from './baseline.ts'
import { own } from './own.ts'
import type { Anomaly, HourUse } from './use.ts'
import { scored } from './words.ts'

/** Below this many in an hour nothing is a flood. */
const floodMin = 50
/** Of an operation that the key never used, this many are a new habit, or somebody else's. */
const unusedMin = 20
/** Growth that a busy day has. */
const peakTimes = 3
/** Mean deviations above the mean; of a Poisson count the standard deviation is the root of the mean. */
const deviations = 6
/** Hours of an operation from which its volume is known. */
const hoursMin = 4

/** Operations that came more often within the hour than they do. */
export function judgeVolume(baseline: Baseline, use: HourUse): readonly Anomaly[] {
  if (!hasLearned(baseline, use.hourMs)) return []
  const days = ageDays(baseline, use.hourMs)
  return Object.entries(use.operations).flatMap(([operation, requests]): Anomaly[] => {
    const usual = own(baseline.volume, operation)
    if (usual === undefined) {
      if (requests < unusedMin) return []
      return [{
        kind: 'volume', subject: operation, score: scored(55 + 8 * Math.log2(requests / unusedMin)),
        reason: `${requests} of ${operation} within the hour; in the ${days} days before, none`,
        evidence: { operation, requests, usual_peak: 0, days_before: days },
      }]
    }
    const expectedMax = usual.mean + deviations * Math.max(usual.deviation, Math.sqrt(usual.mean))
    if (usual.hours < hoursMin || requests < floodMin || requests <= peakTimes * usual.peak || requests <= expectedMax) return []
    const times = requests / usual.peak
    return [{
      kind: 'volume', subject: operation, score: scored(50 + 12 * Math.log2(times / peakTimes + 1)),
      reason: `${requests} of ${operation} within the hour, ${times.toFixed(1)} times the most of the ${days} days before`,
      evidence: { operation, requests, usual_peak: Math.round(usual.peak), usual_mean: Math.round(usual.mean), days_before: days },
    }]
  })
}
