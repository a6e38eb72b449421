import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emptyRoot, hashLeaf } from '@ngome/audit'
import { encodeCustodianLogEntry } from '@ngome/contracts'
import { ManualClock } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import type { Alarm } from '../custodian.ts'
import { TestCustodian } from '../testing/test-custodian.ts'
import { appendLog } from './append-log.ts'
import { checkLog } from './check-log.ts'
import type { LogEntry } from './log-entry.ts'
import { readLog } from './read-log.ts'
import { watchLog } from './watch-log.ts'

const entry: LogEntry = { caller: 'dispatcher/01', operation: '/v1/open', outcome: 'allowed', reason: '', subject: 'x' }

async function open(t: { after(fn: () => void): void }): Promise<TestCustodian> {
  const custodian = await TestCustodian.open({ clock: new ManualClock(1_800_000_000_000) })
  t.after(() => custodian.remove())
  await custodian.commit(async (transaction) => {
    for (let at = 0; at < 9; at++) await appendLog(transaction, custodian.clock, { ...entry, subject: String(at) })
  })
  return custodian
}

test('the tree holds from the first run on, and across a restart', async (t) => {
  const test = await open(t)
  const check = await checkLog(test.store)
  assert.ok(check.ok)
  assert.equal(check.rows, 10)
  const rows = await readLog(test.store, { after: 0, limit: 100 })
  assert.equal(rows[0]?.operation, 'first-run')
  const leaves = rows.map((row) => Buffer.from(hashLeaf(encodeCustodianLogEntry(row))))
  assert.deepEqual(rows.map(({ nodes }) => Buffer.from(nodes.subarray(0, 32))), leaves)
  assert.notDeepEqual(check.head, emptyRoot)
  await test.reopen()
  assert.deepEqual(await checkLog(test.store), check)
})

const tampering: readonly (readonly [string, string])[] = [
  ['its time', 'UPDATE log SET at_ms = at_ms + 1 WHERE sequence = 5'],
  ['its caller', `UPDATE log SET caller = 'operator/01' WHERE sequence = 5`],
  ['its operation', `UPDATE log SET operation = '/v1/index' WHERE sequence = 5`],
  ['its outcome', `UPDATE log SET outcome = 'refused' WHERE sequence = 5`],
  ['its reason', `UPDATE log SET reason = 'x' WHERE sequence = 5`],
  ['its subject', `UPDATE log SET subject = 'y' WHERE sequence = 5`],
  ['its node', `UPDATE log SET nodes = zeroblob(32) WHERE sequence = 5`],
  ['its nodes', `UPDATE log SET nodes = x'' WHERE sequence = 5`],
  ['no node but has one more', `UPDATE log SET nodes = CAST(nodes || zeroblob(32) AS BLOB) WHERE sequence = 5`],
  ['its place', 'UPDATE log SET sequence = 50 WHERE sequence = 5'],
  ['its existence', 'DELETE FROM log WHERE sequence = 5'],
]

for (const [name, sql] of tampering) {
  test(`shows a row that lost ${name}`, async (t) => {
    const test = await open(t)
    test.db.exec('DROP TRIGGER log_keeps_rows; DROP TRIGGER log_keeps_values')
    test.db.exec(sql)
    assert.deepEqual(await checkLog(test.store), { ok: false, brokenAt: 5 })
  })
}

test('checks the last rows alone where that is asked for', async (t) => {
  const test = await open(t)
  const whole = await checkLog(test.store)
  assert.deepEqual(await checkLog(test.store, { last: 3 }), whole)
  assert.deepEqual(await checkLog(test.store, { last: 100 }), whole)
  test.db.exec('DROP TRIGGER log_keeps_rows; DROP TRIGGER log_keeps_values')
  test.db.exec(`UPDATE log SET reason = 'x' WHERE sequence = 8`)
  assert.deepEqual(await checkLog(test.store, { last: 3 }), { ok: false, brokenAt: 8 })
  assert.equal((await checkLog(test.store, { last: 2 })).ok, true)
  // Whatever is not the store being away is a bug, and no answer.
  await assert.rejects(checkLog({ ...test.store, get: (sql) => sql.includes('max') ? test.store.get(sql) : Promise.reject(new TypeError('no')) }, { last: 2 }), TypeError)
  test.db.exec('DELETE FROM log WHERE sequence = 8')
  assert.deepEqual(await checkLog(test.store, { last: 2 }), { ok: false, brokenAt: 8 })
})

test('checks more rows than it reads at a time', async (t) => {
  const test = await open(t)
  await test.commit(async (transaction) => {
    for (let at = 0; at < 1_500; at++) await appendLog(transaction, test.clock, entry)
  })
  const check = await checkLog(test.store)
  assert.ok(check.ok)
  assert.equal(check.rows, 1_510)
})

test('lets others have their turn between pages, and does not run behind rows that come meanwhile', async (t) => {
  const test = await open(t)
  const grow = () => test.commit((transaction) => appendLog(transaction, test.clock, Array.from({ length: 500 }, () => entry)))
  await grow()
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  const check = await checkLog(test.store, { pause: async () => { await sleep(2); await grow() } })
  clearInterval(timer)
  assert.ok(check.ok)
  assert.ok(check.rows >= 510 && check.rows < 1_000, String(check.rows))
  assert.ok(turns > 0)
})

async function watched(test: TestCustodian): Promise<{ lines: readonly string[]; alarms: readonly Alarm[] }> {
  const lines: string[] = []
  const logger = createLogger({ process: 'custodian', level: 'info', destination: { write: (line) => { lines.push(line) } } })
  const end = watchLog(test.custodian, logger, 0)
  for (let at = 0; at < 400 && lines.length + test.alarms.length === 0; at++) await sleep(10)
  await end()
  return { lines, alarms: test.alarms }
}

test('behind the start the whole log is checked, and a row that a start no longer looks at is an alarm', async (t) => {
  const test = await open(t)
  const { lines } = await watched(test)
  assert.match(lines.join(), /the whole log holds/)
  test.db.exec('DROP TRIGGER log_keeps_values')
  test.db.exec(`UPDATE log SET reason = 'x' WHERE sequence = 3`)
  const { alarms } = await watched(test)
  assert.deepEqual(alarms, [{ what: 'the log was changed', caller: 'custodian', subject: 'row 3' }])
})

test('a check of the whole log that cannot go on is told, and one that is ended is not', async (t) => {
  const test = await open(t)
  test.db.exec('ALTER TABLE log RENAME TO elsewhere')
  const { lines, alarms } = await watched(test)
  assert.deepEqual([lines.length, alarms], [1, []])
  assert.match(lines[0] ?? '', /could not be checked/)
  test.db.exec('ALTER TABLE elsewhere RENAME TO log')
  await test.commit((transaction) => appendLog(transaction, test.clock, Array.from({ length: 600 }, () => entry)))
  const silent = createLogger({ process: 'custodian', level: 'info', destination: { write: () => assert.fail('it spoke') } })
  const end = watchLog(test.custodian, silent, 60_000)
  await sleep(20)
  await end()
})

test('a row is one line of printable text, however a caller names things', async (t) => {
  const test = await open(t)
  const long = { ...entry, operation: '/v1/\n\u001b[2J\u0000é', subject: 'x'.repeat(10_000) }
  await test.commit((transaction) => appendLog(transaction, test.clock, long))
  const [row] = test.lastLog(1)
  assert.equal(row?.['operation'], '/v1/??[2J??')
  assert.equal(String(row?.['subject']).length, 512)
})

test('the operator pulls the log in pages', async (t) => {
  const test = await open(t)
  const operator = await test.peer('operator')
  await test.commit(async (transaction) => {
    for (let at = 0; at < 600; at++) await appendLog(transaction, test.clock, entry)
  })
  const first = await test.call(operator, '/v1/openings', { after: 0 })
  assert.equal(first.entries.length, 500)
  const second = await test.call(operator, '/v1/openings', { after: first.entries.at(-1)?.sequence ?? 0 })
  assert.equal(second.entries.length, 111)
  const check = await checkLog(test.store)
  assert.ok(check.ok)
  assert.equal(second.entries.at(-1)?.sequence, check.rows)
  assert.deepEqual(await test.call(operator, '/v1/openings', { after: check.rows }), { entries: [] })
})
