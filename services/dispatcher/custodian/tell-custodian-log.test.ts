import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { custodianEventOf, type CustodianResponse } from '@ngome/contracts'
import { Fault, ManualClock, systemRandom, toBase64Url } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { readCustodianLogCursor, type Database } from '@ngome/store'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import { refusalEventsPerPageMax, tellCustodianLog } from './tell-custodian-log.ts'

type Page = CustodianResponse<'/v1/alarms'>
type Row = Page['entries'][number]

const startMs = 1_800_000_000_000
const pageRows = 50

/** A log as the custodian has it: rows, and pages of them. */
class Log {
  rows: Row[] = []
  atMs = startMs
  calls = 0

  add(row: Partial<Row>, count = 1): void {
    for (let at = 0; at < count; at++) {
      this.atMs += 1_000
      this.rows.push({
        sequence: this.rows.length + 1, at: new Date(this.atMs).toISOString(), caller: 'operator/01', operation: '/v1/open',
        outcome: 'allowed', reason: '', subject: `s${this.atMs}`, ...row,
      })
    }
  }

  page(after: number): Page {
    this.calls++
    const news = this.rows.slice(after, after + pageRows)
    const last = news.at(-1)
    return {
      known: after > 0 && this.rows[after - 1] !== undefined ? leafOf(this.rows[after - 1]) : null,
      until: last === undefined ? null : { sequence: last.sequence, leaf: leafOf(last), at: last.at },
      entries: news.filter((row) => custodianEventOf(row) !== null),
    }
  }

  get custodian(): Pick<CustodianClient, 'call'> {
    return { call: (async (_path: string, { after }: { after: number }) => this.page(after)) as unknown as CustodianClient['call'] }
  }
}

const leafOf = (row: Row | undefined): string => toBase64Url(createHash('sha256').update(JSON.stringify(row)).digest())
const clock = new ManualClock(startMs)

let database: TestDatabase
let db: Database
let log: Log
before(async () => {
  database = await testDatabase()
  db = database.open('ngome_dispatcher')
})
after(() => database.close())
beforeEach(async () => {
  log = new Log()
  clock.advance(86_400_000)
  await database.asAdmin('UPDATE ngome.custodian_log_cursor SET sequence = 0, leaf = NULL, logged_at = NULL, told_until = NULL')
})

const tell = (custodian = log.custodian): Promise<void> =>
  tellCustodianLog({ custodian, db, clock, random: systemRandom }, new AbortController().signal)
const told = async (): Promise<readonly { type: string; severity: string; data: Record<string, unknown> }[]> => {
  const rows = await database.asAdmin(`SELECT type, severity, data FROM ngome.events
    WHERE type LIKE 'custodian.%' AND at >= to_timestamp(${clock.nowMs() / 1_000}) ORDER BY (data->>'sequence')::int, type`)
  return rows as never
}

test('what people and keys did becomes events with their severity, and openings do not', async () => {
  log.add({}, 3)
  log.add({ operation: '/v1/admit-staff' })
  log.add({ operation: 'approval', caller: 'stf_1 stf_2' })
  log.add({ operation: '/v1/reveal' })
  log.add({ operation: 'keys-compromised' })
  log.add({ operation: 'rotate-root' })
  log.add({ operation: 'destroy-merchant-keys' })
  log.add({ outcome: 'refused', reason: 'purpose_budget_spent' })
  await tell()
  assert.deepEqual((await told()).map(({ type, severity, data }) => [type, severity, data['sequence']]), [
    ['custodian.staff_admitted', 'alarm', 4], ['custodian.call_approved', 'warning', 5], ['custodian.record_revealed', 'alarm', 6],
    ['custodian.keys_compromised', 'alarm', 7], ['custodian.keys_rotated', 'notice', 8], ['custodian.keys_destroyed', 'alarm', 9],
    ['custodian.refused', 'alarm', 10],
  ])
  assert.equal((await readCustodianLogCursor(db)).sequence, 10)
})

test('each row is told once, over many pages, and by two dispatchers at the same time', async () => {
  for (let at = 0; at < 120; at++) log.add({ operation: at % 3 === 0 ? '/v1/reveal' : '/v1/open' })
  await Promise.all([tell(), tell(), tell()])
  await tell()
  assert.deepEqual((await told()).map(({ data }) => data['sequence']), Array.from({ length: 40 }, (_, at) => 3 * at + 1))
})

test('a crash between writing and moving on tells nothing twice and leaves nothing out', async () => {
  log.add({ operation: '/v1/reveal' }, 60)
  // The second page's transaction fails in the middle: its events and its move are undone together.
  await database.asAdmin(`ALTER TABLE ngome.custodian_log_cursor ADD CONSTRAINT stop CHECK (sequence <= 50)`)
  await assert.rejects(tell())
  assert.equal((await told()).length, 50)
  await database.asAdmin('ALTER TABLE ngome.custodian_log_cursor DROP CONSTRAINT stop')
  // And where an event cannot be written, the cursor stays.
  await database.asAdmin(`CREATE FUNCTION ngome.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$`)
  await database.asAdmin('CREATE TRIGGER stop BEFORE INSERT ON ngome.audit_leaves FOR EACH ROW EXECUTE FUNCTION ngome.stop()')
  await assert.rejects(tell())
  assert.equal((await readCustodianLogCursor(db)).sequence, 50)
  await database.asAdmin('DROP TRIGGER stop ON ngome.audit_leaves')
  await tell()
  assert.deepEqual((await told()).map(({ data }) => data['sequence']), Array.from({ length: 60 }, (_, at) => at + 1))
})

test('a flood of refusals is one event for each kind, and of many kinds a few; what else happened is not lost in it', async () => {
  log.add({ outcome: 'refused', reason: 'record_budget_spent', caller: 'dispatcher/02' }, 40)
  log.add({ operation: '/v1/admit-staff' })
  await tell()
  assert.deepEqual((await told()).map(({ type, data }) => [type, data['count'], data['last']]), [
    ['custodian.refused', 40, 40], ['custodian.staff_admitted', undefined, undefined],
  ])
  clock.advance(1)
  for (let at = 0; at < pageRows - 1; at++) log.add({ outcome: 'refused', reason: 'caller_not_permitted', operation: `/v1/${at}` })
  await tell()
  const events = await told()
  assert.ok(events.length <= 2 * refusalEventsPerPageMax, String(events.length))
  assert.equal(events.reduce((sum, { data }) => sum + Number(data['count']), 0), pageRows - 1)
  assert.ok(events.some(({ data }) => data['caller'] === 'several'))
})

test('a log that was put back is an alarm once, what it told before is not told again, and what it does then is', async () => {
  log.add({ operation: '/v1/reveal' }, 70)
  await tell()
  clock.advance(1)
  log.rows = log.rows.slice(0, 10)
  await tell()
  await tell()
  assert.deepEqual((await told()).map(({ type, severity, data }) => [type, severity, data['sequence']]), [['custodian.log_rewound', 'alarm', 70]])
  clock.advance(1)
  log.add({ operation: '/v1/retire-staff' })
  await tell()
  assert.deepEqual((await told()).map(({ type, data }) => [type, data['sequence']]), [['custodian.staff_retired', 11]])
})

test('a log that was put back and has grown past where we were is seen as well', async () => {
  log.add({ operation: '/v1/reveal' }, 20)
  await tell()
  clock.advance(1)
  log.rows = log.rows.slice(0, 5)
  log.add({ operation: '/v1/admit-staff' }, 95)
  await tell()
  const events = await told()
  assert.deepEqual(events.map(({ type }) => type).toSorted(), ['custodian.log_rewound', ...Array.from({ length: 95 }, () => 'custodian.staff_admitted')])
  assert.equal((await readCustodianLogCursor(db)).toldUntilMs, null)
})

test('an empty log after a full one, as of another custodian, is an alarm', async () => {
  log.add({}, 3)
  await tell()
  clock.advance(1)
  log.rows = []
  await tell()
  assert.deepEqual((await told()).map(({ type }) => type), ['custodian.log_rewound'])
})

test('a custodian that answers rows from before is not followed in a circle', async () => {
  log.add({}, 3)
  await tell()
  const [row] = log.rows
  const page: Page = { known: leafOf(log.rows[2]), until: { sequence: 1, leaf: leafOf(row), at: row?.at ?? '' }, entries: [] }
  await assert.rejects(tell({ call: (async () => page) as unknown as CustodianClient['call'] }),
    (error) => error instanceof Fault && error.code === 'custodian/unavailable')
})
