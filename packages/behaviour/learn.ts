import {
  countriesMax, currenciesMax, networksMax, newBaseline, operationsMax, pendingMax, type Baseline,
} from './baseline.ts'
import { judgeBurst } from './judge-burst.ts'
import { hourOfWeek } from './judge-hour.ts'
import { judgeUse } from './judge.ts'
import { own } from './own.ts'
import { dayMs, type Anomaly, type HourUse } from './use.ts'

/** The weight of the newest hour, once there are enough. */
const newestShare = 0.05
/** What is left of a peak after an hour that did not reach it: a third after some two hundred hours. */
const peakKept = 0.995
/** What is left of a week in the profile after another. */
const weekKept = 0.97
/** Sizes count half once there are so many. */
const paymentsKeptMax = 10_000
/** On so many different days something unusual is seen before it is usual. */
const daysToAccept = 7

/**
 * Learns from a whole hour. One in which something was unusual does not teach; what stays unusual on seven different days
 * does from then on, except bursts. Learning the same hours in the same order gives the same baseline.
 */
export function learn(baseline: Baseline | undefined, hour: HourUse): Baseline {
  const before = baseline ?? newBaseline(hour.hourMs)
  const requests = total(hour.operations)
  if (requests === 0) return before
  const burst = judgeBurst(before, { ...hour, requests, payers: 0, failedPayers: 0 })
  const lastMs = Math.max(before.lastMs, hour.hourMs)
  if (burst.length > 0) return { ...before, lastMs }
  const unusual = baseline === undefined ? [] : judgeUse(before, hour)
  const pending = pendingAfter(before, unusual, hour.hourMs)
  const isAccepted = unusual.every((one) => (pending[nameOf(one)]?.days ?? 0) >= daysToAccept)
  if (!isAccepted) return { ...before, lastMs, pending }
  return {
    ...before,
    lastMs,
    hours: before.hours + 1,
    countries: newestOf({ ...before.countries, ...placesOf(before, hour) }, countriesMax, ({ lastMs: at }) => at),
    networks: newestOf({ ...before.networks, ...Object.fromEntries(Object.keys(hour.networks).map((name) => [name, hour.hourMs])) },
      networksMax, (at) => at),
    week: weekWith(before, hour.hourMs),
    volume: volumeWith(before, hour),
    amounts: amountsWith(before, hour),
    refusedShare: before.refusedShare + weightOf(before.hours) * (hour.refused / requests - before.refusedShare),
    pending: Object.fromEntries(Object.entries(pending).filter(([name]) => !unusual.some((one) => nameOf(one) === name))),
  }
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function nameOf({ kind, subject }: Anomaly): string {
  return `${kind}:${subject}`
}

function pendingAfter(before: Baseline, unusual: readonly Anomaly[], atMs: number): Baseline['pending'] {
  const day = Math.floor(atMs / dayMs)
  const pending = { ...before.pending }
  for (const one of unusual) {
    const seen = pending[nameOf(one)]
    if (seen === undefined || seen.lastDay < day) pending[nameOf(one)] = { days: (seen?.days ?? 0) + 1, lastDay: day }
  }
  return newestOf(pending, pendingMax, ({ lastDay }) => lastDay)
}

/** The first hours weigh alike; later the newest has a fixed share, so that old habits fade. */
function weightOf(hours: number): number {
  return Math.max(1 / (hours + 1), newestShare)
}

function placesOf(before: Baseline, hour: HourUse): Baseline['countries'] {
  return Object.fromEntries(Object.keys(hour.countries).map((country) =>
    [country, { hours: (own(before.countries, country)?.hours ?? 0) + 1, lastMs: hour.hourMs }]))
}

function weekWith({ week, lastMs }: Baseline, atMs: number): number[] {
  const weeks = Math.floor(atMs / (7 * dayMs)) - Math.floor(lastMs / (7 * dayMs))
  const kept = weekKept ** Math.max(0, weeks)
  const slot = hourOfWeek(atMs)
  // A hundredth of one use is forgotten: an hour that was used once is usual for some years otherwise.
  return week.map((count, at) => (at === slot ? 1 : 0) + (count * kept < 0.01 ? 0 : count * kept))
}

function volumeWith({ volume }: Baseline, { operations }: HourUse): Baseline['volume'] {
  const next = { ...volume }
  for (const [operation, requests] of Object.entries(operations)) {
    const { hours, mean, deviation, peak } = own(next, operation) ?? { hours: 0, mean: requests, deviation: 0, peak: requests }
    const weight = weightOf(hours)
    next[operation] = {
      hours: hours + 1,
      mean: mean + weight * (requests - mean),
      deviation: deviation + weight * (Math.abs(requests - mean) - deviation),
      peak: Math.max(requests, peak * peakKept),
    }
  }
  return newestOf(next, operationsMax, ({ hours }) => hours)
}

function amountsWith({ amounts }: Baseline, hour: HourUse): Baseline['amounts'] {
  const next = { ...amounts }
  for (const [bucket, payments] of Object.entries(hour.amounts)) {
    const [currency = '', size = ''] = bucket.split('/')
    const usual = own(next, currency) ?? { total: 0, sizes: {} }
    const half = usual.total >= paymentsKeptMax ? 0.5 : 1
    const sizes = Object.fromEntries(Object.entries(usual.sizes).map(([name, count]) => [name, count * half]))
    next[currency] = { total: usual.total * half + payments, sizes: { ...sizes, [size]: (own(sizes, size) ?? 0) + payments } }
  }
  return newestOf(next, currenciesMax, ({ total: payments }) => payments)
}

/** Keeps the entries with the largest numbers. */
function newestOf<V>(entries: Readonly<Record<string, V>>, max: number, numberOf: (value: V) => number): Record<string, V> {
  const all = Object.entries(entries)
  if (all.length <= max) return { ...entries }
  return Object.fromEntries(all.toSorted(([, a], [, b]) => numberOf(b) - numberOf(a)).slice(0, max))
}
