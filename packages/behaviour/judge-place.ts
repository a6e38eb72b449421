import { ageDays, hasLearned, type Baseline } from './baseline.ts'
import { dayMs, type Anomaly, type HourUse } from './use.ts'
import { listed, scored } from './words.ts'

/** A key that comes from many networks, as from telephones or a large cloud, is not known by them. */
const networksKnownMax = 8
/** After this long somebody else may have found what was forgotten. */
const sleepMs = 30 * dayMs

/** Countries that are new, or the networks where no country is. */
export function judgePlace(baseline: Baseline, use: HourUse): readonly Anomaly[] {
  if (!hasLearned(baseline, use.hourMs)) return []
  const days = ageDays(baseline, use.hourMs)
  const known = Object.keys(baseline.countries)
  const countries = Object.entries(use.countries).filter(([country]) => !known.includes(country))
  const places = countries.map(([country, requests]): Anomaly => ({
    kind: 'new_country', subject: country,
    score: scored(known.length === 0 ? 40 : 80 - 5 * Math.min(known.length - 1, 6)),
    reason: known.length === 0
      ? `first requests from ${country}; in the ${days} days before, from no country that we know`
      : `first requests from ${country}; in the ${days} days before, only from ${listed(known)}`,
    evidence: { country, requests, days_before: days, countries_before: known.length },
  }))
  return places.length > 0 ? places : judgeNetworks(baseline, use, days)
}

function judgeNetworks(baseline: Baseline, use: HourUse, days: number): readonly Anomaly[] {
  const known = Object.keys(baseline.networks).length
  if (known === 0 || known > networksKnownMax) return []
  return Object.entries(use.networks).filter(([network]) => !Object.hasOwn(baseline.networks, network)).slice(0, 1)
    .map(([network, requests]) => ({
      kind: 'new_network', subject: network, score: scored(50 - 3 * known),
      reason: `first requests from the network ${network}; in the ${days} days before, from ${known} other${known === 1 ? '' : 's'}`,
      evidence: { network, requests, days_before: days, networks_before: known },
    }))
}

/** A key that was silent for long and is used again. */
export function judgeSleep(baseline: Baseline, use: HourUse): readonly Anomaly[] {
  const silentMs = use.hourMs - baseline.lastMs
  if (silentMs <= sleepMs) return []
  const days = Math.floor(silentMs / dayMs)
  return [{
    kind: 'long_sleep', subject: 'key', score: scored(55 + days / 10),
    reason: `used again after ${days} days without a request`, evidence: { days_silent: days },
  }]
}
