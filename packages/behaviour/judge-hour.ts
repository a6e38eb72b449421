import { ageDays, hasLearned, hoursOfWeek, type Baseline } from './baseline.ts'
import { dayMs, hourMs, type Anomaly, type HourUse } from './use.ts'
import { scored } from './words.ts'

/** Four weeks: each hour of the week came four times. */
const learningMs = 28 * dayMs
/** An hour is usual where the key was used this close to it, on the same day of the week. */
const nearHours = 2
/** A key that is used on so many days of the week has hours of the day, whatever the day. */
const daysForDaily = 3
/** The first of January 1970 was a Thursday; weeks begin on Monday. */
const epochHourOfWeek = 3 * 24
const dayNames = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
/** A holiday moves a weekly run: worth saying, and no more. */
const otherDayScore = 35
/** Somebody works late: an hour alone never calls for a response. */
const hourScoreMax = 70

export function hourOfWeek(atMs: number): number {
  return (Math.floor(atMs / hourMs) + epochHourOfWeek) % hoursOfWeek
}

/** An hour in which the key was never used, nor near it. */
export function judgeHour(baseline: Baseline, use: HourUse): readonly Anomaly[] {
  if (!hasLearned(baseline, use.hourMs, learningMs)) return []
  const oddity = oddityOf(baseline, hourOfWeek(use.hourMs))
  if (oddity === 'none') return []
  const requests = Object.values(use.operations).reduce((sum, count) => sum + count, 0)
  const [hour, day] = [new Date(use.hourMs).getUTCHours(), dayNames[Math.floor(hourOfWeek(use.hourMs) / 24)] ?? '']
  const days = ageDays(baseline, use.hourMs)
  const said = `${requests} request${requests === 1 ? '' : 's'}`
  const evidence = { hour_utc: hour, day, requests, days_before: days }
  return oddity === 'day'
    ? [{
        kind: 'unusual_hour', subject: day, score: otherDayScore, evidence,
        reason: `${said} on a ${day}; in the ${days} days before, at this hour on other days only`,
      }]
    : [{
        kind: 'unusual_hour', subject: String(hour), score: Math.min(hourScoreMax, scored(40 + 6 * Math.log2(Math.max(1, requests)))),
        reason: `${said} at ${String(hour).padStart(2, '0')}:00 UTC; in the ${days} days before, never near this hour`, evidence,
      }]
}

/** Whether the hour of the day is odd, or only the day of the week. */
function oddityOf({ week }: Baseline, slot: number): 'none' | 'day' | 'hour' {
  const at = (index: number): number => week[(index + hoursOfWeek) % hoursOfWeek] ?? 0
  for (let off = -nearHours; off <= nearHours; off++) if (at(slot + off) > 0) return 'none'
  const days = Array.from({ length: 7 }, (_, day) => day)
  const isHourKnown = days.some((day) => [-1, 0, 1].some((off) => at(day * 24 + slot % 24 + off) > 0))
  if (!isHourKnown) return 'hour'
  const daysUsed = days.filter((day) => week.slice(day * 24, day * 24 + 24).some((count) => count > 0)).length
  return daysUsed >= daysForDaily ? 'none' : 'day'
}
