import type { Baseline } from './baseline.ts'
import type { Anomaly, RecentUse } from './use.ts'
import { scored } from './words.ts'

/** How far back a burst is looked for. */
export const burstMs = 600_000
/** So many different ids that there are not: nobody mistypes that often. */
const missedIdsMin = 20
const missedShareMin = 0.25
/** So many payers that refuse, are unknown or have nothing: numbers that somebody tries out. */
const failedPayersMin = 20
const failedShareMin = 0.5
const refusedMin = 30
const refusedShareMin = 0.5
/** An integration that always has errors is not news until it has many more. */
const refusedTimes = 4

/** What needs no learning: guessing of ids, trying out of payers, and a burst of refusals. */
export function judgeBurst(baseline: Baseline | undefined, recent: RecentUse): readonly Anomaly[] {
  const guesses = [...judgeIds(recent), ...judgePayers(recent)]
  return guesses.length > 0 ? guesses : judgeRefusals(baseline, recent)
}

function judgeIds({ requests, notFound, missedIds }: RecentUse): readonly Anomaly[] {
  if (missedIds < missedIdsMin || notFound < missedShareMin * requests) return []
  return [{
    kind: 'enumeration', subject: 'ids', score: scored(80 + 5 * Math.log2(missedIds / missedIdsMin)),
    reason: `${missedIds} different ids that do not exist were asked for within ten minutes`,
    evidence: { missed_ids: missedIds, not_found: notFound, requests },
  }]
}

function judgePayers({ payers, failedPayers }: RecentUse): readonly Anomaly[] {
  if (payers < failedPayersMin || failedPayers < failedPayersMin || failedPayers < failedShareMin * payers) return []
  return [{
    kind: 'enumeration', subject: 'payers', score: scored(80 + 5 * Math.log2(failedPayers / failedPayersMin)),
    reason: `${payers} different payers within ten minutes, and ${failedPayers} payments that failed at the payer`,
    evidence: { payers, failed_payments: failedPayers },
  }]
}

function judgeRefusals(baseline: Baseline | undefined, { requests, refused }: RecentUse): readonly Anomaly[] {
  const share = requests === 0 ? 0 : refused / requests
  const usual = baseline?.refusedShare ?? 0
  if (refused < refusedMin || share < refusedShareMin || share <= refusedTimes * usual) return []
  return [{
    kind: 'error_burst', subject: 'refusals', score: scored(45 + 8 * Math.log2(refused / refusedMin)),
    reason: `${refused} of ${requests} requests within ten minutes were refused; usual are ${Math.round(100 * usual)} %`,
    evidence: { refused, requests, usual_percent: Math.round(100 * usual) },
  }]
}
