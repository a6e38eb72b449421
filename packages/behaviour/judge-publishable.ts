import type { Anomaly } from './use.ts'

/** Where from and when a page's key is used is its visitors' business; what it has asked for may still say something. */
const tellingKinds: ReadonlySet<Anomaly['kind']> = new Set<Anomaly['kind']>(['volume', 'enumeration', 'error_burst'])
/** A hint and never more: whoever opens the page can bring it about. */
const scoreMax = 60

/** What is left of the anomalies of a key that everybody can read. */
export function judgePublishable(anomalies: readonly Anomaly[]): readonly Anomaly[] {
  return anomalies.filter(({ kind }) => tellingKinds.has(kind)).map((one) => ({ ...one, score: Math.min(one.score, scoreMax) }))
}
