import { hasLearned, type Baseline } from './baseline.ts'
import { own } from './own.ts'
import { timesLarger } from './sizes.ts'
import type { Anomaly, HourUse } from './use.ts'
import { listed, scored } from './words.ts'

/** Payments of a currency from which their sizes are known. */
const paymentsMin = 50
/** All but one in a thousand are smaller. */
const usualShare = 0.999
/** Five half octaves more: some six times, and flagged from eight on. */
const stepsAbove = 5

/** Payments much larger than those before, or in a currency that the key never used. */
export function judgeAmount(baseline: Baseline, use: HourUse): readonly Anomaly[] {
  if (!hasLearned(baseline, use.hourMs)) return []
  const known = Object.entries(baseline.amounts)
  const total = known.reduce((sum, [, { total: one }]) => sum + one, 0)
  return [...largest(use)].flatMap(([currency, size]): Anomaly[] => {
    const usual = own(baseline.amounts, currency)
    if (usual === undefined) {
      if (total < paymentsMin) return []
      return [{
        kind: 'amount', subject: currency, score: 50,
        reason: `first payments in ${currency}; ${Math.round(total)} before were in ${listed(known.map(([name]) => name))}`,
        evidence: { currency, payments_before: Math.round(total) },
      }]
    }
    const bound = upper(usual.sizes, usual.total)
    if (usual.total < paymentsMin || size <= bound + stepsAbove) return []
    const times = timesLarger(size, bound)
    return [{
      kind: 'amount', subject: currency, score: scored(50 + 5 * (size - bound - stepsAbove)),
      reason: `a payment about ${times.toFixed(0)} times larger than nearly all of ${Math.round(usual.total)} before, in ${currency}`,
      evidence: { currency, times_larger: Math.round(times), payments_before: Math.round(usual.total) },
    }]
  })
}

/** The largest size of each currency in the hour. */
function largest(use: HourUse): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const bucket of Object.keys(use.amounts)) {
    const [currency = '', size = ''] = bucket.split('/')
    found.set(currency, Math.max(found.get(currency) ?? 0, Number(size)))
  }
  return found
}

/** The smallest size that `usualShare` of the payments do not exceed. */
function upper(sizes: Readonly<Record<string, number>>, total: number): number {
  const sorted = Object.entries(sizes).map(([size, count]) => [Number(size), count] as const).toSorted(([a], [b]) => a - b)
  let soFar = 0
  for (const [size, count] of sorted) {
    soFar += count
    if (soFar >= usualShare * total) return size
  }
  return sorted.at(-1)?.[0] ?? 0
}
