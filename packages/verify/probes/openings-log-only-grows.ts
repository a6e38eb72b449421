import type { KeyObject } from 'node:crypto'
import type { Checkpoint } from '@ngome/audit'
import type { CustodianResponse } from '@ngome/contracts'
import type { Random } from '@ngome/kernel'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { newChallenge } from '../custodian/judge-refusal.ts'
import { goesOn, isIncluded, noRows, openedNote, type LogEntry } from '../custodian/log-proof.ts'
import type { OpeningsLog } from '../custodian/openings-log.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'

type Target = {
  readonly custodian: CustodianView
  readonly openingsLog: OpeningsLog
  readonly random: Random
}
type Openings = CustodianResponse<'/v1/openings'>

/** What we attempt so that there is a row of ours: the custodian refuses it to the operator, and records that. */
const attempted = '/v1/secrets'

export const openingsLogOnlyGrows: Probe<Target> = {
  id: 'openings-log-only-grows',
  source: import.meta.filename,
  does: 'Pulls a signed checkpoint of the custodian\'s log and proves that it goes on from the one that was kept at the last look. Then asks for something that is refused, pulls a second, and proves from it that nothing before changed and that the row of our own attempt is in there.',
  run: async ({ custodian, openingsLog, random }) => {
    const key = await custodian.statementKey()
    const note = openingsLog.kept()
    const kept = note === undefined ? undefined : openedNote(note, key)
    if (note !== undefined && kept === undefined) return fails('the checkpoint that was kept is not of this custodian\'s log')
    const first = await openingsLog.pull({ after: noRows, prove: { since: kept?.size ?? 0 } })
    const before = openedNote(first.proof?.checkpoint, key)
    if (before === undefined) return fails('the custodian gives no checkpoint that it has signed')
    if (kept !== undefined && !goesOn(kept, before, first)) {
      return fails(`the log of ${before.size} rows does not go on from the ${kept.size} rows of the last look`)
    }
    const { outcome } = await custodian.attempt(attempted, { names: ['api-pepper'] }, newChallenge(random))
    if (outcome !== 'refused') throw new NotReached('what should be refused was not, so there is no row to look for')
    const row = (await openingsLog.pull({ after: before.size })).entries.find(isOurs)
    if (row === undefined) return fails('an attempt of ours is not in the log')
    const last = await openingsLog.pull({ after: noRows, prove: { since: before.size, sequence: row.sequence } })
    return judge({ key, kept, before, row, last, keep: openingsLog.keep })
  },
}

function judge({ key, kept, before, row, last, keep }: {
  readonly key: KeyObject
  readonly kept: Checkpoint | undefined
  readonly before: Checkpoint
  readonly row: LogEntry
  readonly last: Openings
  readonly keep: OpeningsLog['keep']
}): Verdict {
  const note = last.proof?.checkpoint
  const now = openedNote(note, key)
  if (note === undefined || now === undefined) return fails('the custodian gives no checkpoint that it has signed')
  if (!goesOn(before, now, last)) return fails(`the log of ${now.size} rows does not go on from the ${before.size} rows of a moment ago`)
  if (!isIncluded(row, now, last)) {
    return fails(`row ${row.sequence}, as it was shown to us, is not in the log that was signed`)
  }
  keep(note)
  const since = kept === undefined ? 'no earlier look to compare with' : `all ${kept.size} rows of the last look in their places`
  return holds(`${now.size} rows under a signed checkpoint, ${since}, our own refused attempt proven to be row ${row.sequence}`)
}

function isOurs({ caller, operation, outcome }: LogEntry): boolean {
  return caller.split('/')[0] === 'operator' && operation === attempted && outcome === 'refused'
}
