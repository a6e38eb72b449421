import { custodianEventOf, emit, type CustodianResponse, type Event } from '@ngome/contracts'
import { Fault, parseBase64Url, type Clock, type Random } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { readCustodianLogCursor, tellCustodianLog as tell, type CustodianLogCursor, type Database } from '@ngome/store'

/** Events that refusals on one page become. Whoever floods the custodian must not drown what else happened there. */
export const refusalEventsPerPageMax = 16

type Page = CustodianResponse<'/v1/alarms'>
type Row = Page['entries'][number]
type Ports = {
  readonly custodian: Pick<CustodianClient, 'call'>
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
}

/**
 * Pulls what the custodian's log has had to say since the last time, and makes events of it: each row once, in one
 * transaction with how far it came. A log that is not the one that was read is an alarm, and is read from its beginning
 * for what is newer than the last row that was told.
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function tellCustodianLog({ custodian, db, ...from }: Ports, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const cursor = await readCustodianLogCursor(db)
    const page = await custodian.call('/v1/alarms', { after: cursor.sequence })
    if (!isKnown(cursor, page)) {
      await tell(db, rewound(from, cursor))
      continue
    }
    const { until } = page
    if (until === null) return
    if (until.sequence <= cursor.sequence) throw new Fault('custodian/unavailable', 'the custodian\'s log went backwards')
    const news = page.entries.filter(({ at }) => cursor.toldUntilMs === null || Date.parse(at) > cursor.toldUntilMs)
    const last = { leaf: bytesOf(until.leaf), loggedAtMs: Date.parse(until.at) }
    await tell(db, {
      from: cursor,
      to: { sequence: until.sequence, last, toldUntilMs: stillTold(cursor, last.loggedAtMs) },
      events: eventsOf(from, news),
    })
  }
}

function isKnown({ last }: CustodianLogCursor, { known }: Page): boolean {
  return last === null || (known !== null && Buffer.from(last.leaf).equals(bytesOf(known)))
}

function rewound(from: Pick<Ports, 'clock' | 'random'>, cursor: CustodianLogCursor) {
  const loggedAtMs = cursor.last?.loggedAtMs ?? 0
  const event = emit({ ...from, process: 'custodian' }, 'custodian.log_rewound', null, {
    sequence: cursor.sequence, loggedAt: new Date(loggedAtMs).toISOString(),
  })
  const toldUntilMs = Math.max(loggedAtMs, cursor.toldUntilMs ?? 0)
  return { from: cursor, to: { sequence: 0, last: null, toldUntilMs }, events: [event] }
}

/** Rows come in the order of time but for a clock that is set back: past the first new one, all are new. */
function stillTold({ toldUntilMs }: CustodianLogCursor, loggedAtMs: number): number | null {
  return toldUntilMs === null || loggedAtMs > toldUntilMs ? null : toldUntilMs
}

/** One event for each act, and one for all refusals of a page that are alike. */
function eventsOf(ports: Pick<Ports, 'clock' | 'random'>, rows: readonly Row[]): readonly Event[] {
  const from = { ...ports, process: 'custodian' } as const
  const acts = rows.flatMap((row) => {
    const type = custodianEventOf(row)
    return type === null || type === 'custodian.refused' ? [] : [emit(from, type, null, shown(row))]
  })
  const alike = [...Map.groupBy(
    rows.filter(({ outcome }) => outcome === 'refused'), ({ caller, operation, reason }) => JSON.stringify([caller, operation, reason]),
  ).values()]
  const kept = alike.slice(0, refusalEventsPerPageMax - 1)
  const others = alike.slice(kept.length).flat()
  const refused = [...kept, ...others.length === 0 ? [] : [others]].flatMap((group) => {
    const [first] = group
    const last = group.at(-1)
    if (first === undefined || last === undefined) return []
    const data = { ...shown(first), reason: group === others ? 'several' : first.reason, count: group.length, last: last.sequence }
    return [emit(from, 'custodian.refused', null, group === others ? { ...data, caller: 'several', operation: 'several' } : data)]
  })
  return [...acts, ...refused]
}

function shown({ sequence, at, caller, operation, subject }: Row) {
  return { sequence, loggedAt: at, caller, operation, subject }
}

function bytesOf(text: string): Uint8Array {
  return parseBase64Url(text) ?? new Uint8Array()
}
