import type { Purpose } from '@ngome/contracts'
import { Fault, type Clock, type MerchantKeyId } from '@ngome/kernel'
import { Refusal } from '../calls/refusal.ts'
import { findDestroyedKeys } from '../key-life/destroyed-keys.ts'
import { appendLog } from '../log/append-log.ts'
import type { LogEntry } from '../log/log-entry.ts'
import { allOfRows, runRows } from '../store/run-rows.ts'
import type { Store, Transaction } from '../store/store.ts'
import { purposeRules } from './purposes.ts'
import { recordSeenDataKeys } from './seen-data-keys.ts'

/** What one call opens. */
export type Openings = {
  readonly purpose: Purpose
  /** As the log names him. */
  readonly caller: string
  readonly records: readonly {
    /** How the budgets name the record. */
    readonly name: string
    /** How the log names this opening. */
    readonly subject: string
    /** Of its data key, sealed. */
    readonly dataKeyHash: Uint8Array
    /** What its data key was sealed to. */
    readonly merchantKey: MerchantKeyId
  }[]
}

type Waiting = { readonly openings: Openings; readonly resolve: () => void; readonly reject: (reason: unknown) => void }
type Count = { readonly purpose: Purpose; readonly subject: string; used: number; endsAtMs: number; isChanged: boolean }

const hourMs = 3_600_000
/** Records of one transaction; past this, the others of this process have waited long enough. */
const recordsPerWorkMax = 512
/** Calls that wait for the disk; who comes later hears that we do not keep up. */
const callsWaitingMax = 4_096

/**
 * Counts openings against their budgets and writes them into the log, those of all calls that arrive together in a few
 * statements of one transaction. Each call is allowed or refused by itself, in the order in which they came.
 */
export class OpeningRecorder {
  readonly #store: Store
  readonly #clock: Clock
  #waiting: Waiting[] = []
  #isScheduled = false

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Resolves when all openings of a call are counted and on the disk; where one may not be, none is.
   * @throws Refusal where a budget is spent; Fault `custodian/unavailable` where it could not be kept
   */
  record(openings: Openings): Promise<void> {
    if (this.#waiting.length >= callsWaitingMax) {
      return Promise.reject(new Fault('custodian/unavailable', 'too many openings wait'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ openings, resolve, reject })
    this.#schedule()
    return promise
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return
    this.#isScheduled = true
    let calls: readonly Waiting[] = []
    this.#store.commits.run((transaction) => {
      // Taken only now, when this work's turn has come: whoever arrived meanwhile goes along.
      this.#isScheduled = false
      calls = this.#take()
      this.#schedule()
      return recordAll(transaction, this.#clock, calls.map(({ openings }) => openings))
    }).then((refusals) => {
      for (const [at, { resolve, reject }] of calls.entries()) {
        const refusal = refusals[at]
        if (refusal === undefined) resolve()
        else reject(refusal)
      }
    }, (failure: unknown) => {
      this.#isScheduled = false
      // A work that never came to run has taken nobody along yet.
      for (const { reject } of calls.length > 0 ? calls : this.#take()) reject(failure)
      this.#schedule()
    })
  }

  #take(): readonly Waiting[] {
    let records = 0
    const past = this.#waiting.findIndex(({ openings }) => (records += openings.records.length) > recordsPerWorkMax)
    return this.#waiting.splice(0, past === -1 ? this.#waiting.length : Math.max(1, past))
  }
}

/** @returns for each call why it is refused, or `undefined` */
async function recordAll(
  transaction: Transaction, clock: Clock, calls: readonly Openings[],
): Promise<readonly (Refusal | undefined)[]> {
  const nowMs = clock.nowMs()
  const counts = await readCounts(transaction, calls, nowMs)
  const destroyed = await findDestroyedKeys(transaction, calls.flatMap(({ records }) => records.map(({ merchantKey }) => merchantKey)))
  const refusals = calls.map((call) => refusalOfDestroyed(destroyed, call) ?? spendAll(counts, call, nowMs))
  const allowed = calls.filter((_, at) => refusals[at] === undefined)
  await writeCounts(transaction, counts)
  await appendLog(transaction, clock, allowed.flatMap(({ caller, records }) => records.map(({ subject }): LogEntry => (
    { caller, operation: '/v1/open', outcome: 'allowed', reason: '', subject }
  ))))
  await recordSeenDataKeys(transaction, allowed.flatMap(({ records }) => records.map((record) => record.dataKeyHash)), nowMs)
  return refusals
}

/** A data key that was opened a moment ago may be of a merchant key that somebody, perhaps the twin, has destroyed since. */
function refusalOfDestroyed(destroyed: ReadonlySet<string>, { records }: Openings): Refusal | undefined {
  const found = records.find(({ merchantKey }) => destroyed.has(merchantKey))
  return found === undefined ? undefined : new Refusal('merchant_key_destroyed', found.subject)
}

/** All openings of a purpose together; no record has this name. */
const whole = '*'

function countName(purpose: Purpose, subject: string): string {
  return `${purpose} ${subject}`
}

/** The counts of all budgets that these calls touch; a window that has ended, or never began, begins with its first use. */
async function readCounts(
  transaction: Transaction, calls: readonly Openings[], nowMs: number,
): Promise<ReadonlyMap<string, Count>> {
  const counts = new Map<string, Count>()
  for (const { purpose, records } of calls) {
    for (const subject of [whole, ...records.map(({ name }) => name)]) {
      counts.set(countName(purpose, subject), { purpose, subject, used: 0, endsAtMs: 0, isChanged: false })
    }
  }
  const rows = await allOfRows(
    transaction, ['SELECT purpose, subject, used, ends_at_ms FROM budgets WHERE (purpose, subject) IN (VALUES ', ')'],
    [...counts.values()].map(({ purpose, subject }) => [purpose, subject]),
  )
  for (const row of rows) {
    const count = counts.get(countName(String(row['purpose']) as Purpose, String(row['subject'])))
    if (count === undefined || Number(row['ends_at_ms']) <= nowMs) continue
    count.used = Number(row['used'])
    count.endsAtMs = Number(row['ends_at_ms'])
  }
  return counts
}

/** Spends all that a call needs, or nothing. @returns why not */
function spendAll(counts: ReadonlyMap<string, Count>, { purpose, records }: Openings, nowMs: number): Refusal | undefined {
  const { perRecord, perHourMax } = purposeRules[purpose]
  const all = countOf(counts, purpose, whole)
  if (all.used + records.length > perHourMax) return new Refusal('purpose_budget_spent', purpose)
  const needed = Map.groupBy(records, ({ name }) => name)
  for (const [name, [first, ...others]] of needed) {
    if (first !== undefined && countOf(counts, purpose, name).used + 1 + others.length > perRecord.timesMax) {
      return new Refusal('record_budget_spent', first.subject)
    }
  }
  spend(all, records.length, nowMs + hourMs)
  for (const [name, { length }] of needed) spend(countOf(counts, purpose, name), length, nowMs + perRecord.windowMs)
  return undefined
}

function spend(count: Count, uses: number, endsAtMs: number): void {
  if (count.used === 0) count.endsAtMs = endsAtMs
  count.used += uses
  count.isChanged = true
}

function countOf(counts: ReadonlyMap<string, Count>, purpose: Purpose, subject: string): Count {
  const count = counts.get(countName(purpose, subject))
  if (count === undefined) throw new TypeError('a budget that was not read')
  return count
}

async function writeCounts(transaction: Transaction, counts: ReadonlyMap<string, Count>): Promise<void> {
  const rows = [...counts.values()].filter(({ isChanged }) => isChanged)
    .map(({ purpose, subject, used, endsAtMs }) => [purpose, subject, used, endsAtMs])
  await runRows(transaction, [
    'INSERT INTO budgets (purpose, subject, used, ends_at_ms) VALUES ',
    ' ON CONFLICT (purpose, subject) DO UPDATE SET used = excluded.used, ends_at_ms = excluded.ends_at_ms',
  ], rows)
}
