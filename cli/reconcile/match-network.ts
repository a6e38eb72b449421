import { emit } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import { matchReports, type Database, type Matching, type ReportedNetwork } from '@ngome/store'

const progressEvery = 50_000

/** Holds what a network reported against what we know, and tells of what was found. @throws Fault `store/unavailable` */
export function matchNetwork(
  { db, clock, random, onProgress }: { readonly db: Database; readonly clock: Clock; readonly random: Random; readonly onProgress: (done: string, rows: number) => void },
  of: ReportedNetwork,
): Promise<Matching> {
  let told = 0
  const eventOf = ({ opened, asked }: Matching) => (
    emit({ clock, random, process: 'operator' }, 'reconciliation.differences_found', null, { network: of.network, found: opened, asked }))
  return matchReports(db, of, clock, eventOf, (judged) => {
    if (judged - told < progressEvery) return
    told = judged
    onProgress('matched', judged)
  })
}
