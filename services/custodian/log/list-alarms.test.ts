import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashLeaf } from '@ngome/audit'
import { custodianActs, custodianEventOf, encodeCustodianLogEntry, eventTypes, type CustodianResponse } from '@ngome/contracts'
import { ManualClock, toBase64Url } from '@ngome/kernel'
import { TestCustodian } from '../testing/test-custodian.ts'
import { appendLog } from './append-log.ts'
import type { LogEntry } from './log-entry.ts'

type Alarms = CustodianResponse<'/v1/alarms'>

const clock = new ManualClock(1_800_000_000_000)
const opening: LogEntry = { caller: 'dispatcher/01', operation: '/v1/open', outcome: 'allowed', reason: '', subject: 'x' }

const leafOf = (row: Alarms['entries'][number]): string =>
  toBase64Url(hashLeaf(encodeCustodianLogEntry({ ...row, atMs: Date.parse(row.at) })))

test('the alarms are the rows that somebody should hear of, all of them, however many openings lie between', async (t) => {
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  const dispatcher = await test.peer('dispatcher')
  const before = test.count('log')
  const add = (entries: readonly LogEntry[]) => test.commit((transaction) => appendLog(transaction, clock, entries))
  await add(Array.from({ length: 2_300 }, () => opening))
  await add([{ ...opening, operation: '/v1/reveal' }])
  await add(Array.from({ length: 230 }, (): LogEntry => ({ ...opening, outcome: 'refused', reason: 'record_budget_spent' })))
  await add([opening])
  let after = before
  const seen: number[] = []
  for (;;) {
    const page: Alarms = await test.call(dispatcher, '/v1/alarms', { after })
    assert.ok(page.entries.length <= 100)
    seen.push(...page.entries.map(({ sequence }) => sequence))
    if (page.until === null) break
    after = page.until.sequence
  }
  assert.deepEqual(seen, Array.from({ length: 231 }, (_, at) => before + 2_301 + at))
  assert.equal(after, test.count('log'))
})

test('a caller knows by the leaf of his last row whether the log is still the one that he read', async (t) => {
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  const dispatcher = await test.peer('dispatcher')
  const first = await test.call(dispatcher, '/v1/alarms', { after: 0 })
  const { until } = first
  assert.equal(first.known, null)
  assert.ok(until)
  assert.equal((await test.call(dispatcher, '/v1/alarms', { after: until.sequence })).known, until.leaf)
  const { entries } = await test.call(await test.peer('operator'), '/v1/openings', { after: until.sequence - 1 })
  assert.equal(entries[0] === undefined ? '' : leafOf(entries[0]), until.leaf)
  // Past its end, as after somebody put an older store back.
  const past = await test.call(dispatcher, '/v1/alarms', { after: test.count('log') + 5 })
  assert.deepEqual(past, { known: null, until: null, entries: [] })
})

test('keys that others know are a row of their own', async (t) => {
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  const tenant = await test.tenant()
  const operator = await test.peer('operator')
  await test.call((await test.gateway()).peer, '/v1/merchant-keys', { tenants: [tenant] })
  await test.call(operator, '/v1/rotate-merchant-keys', { ...tenant, compromised: false })
  await test.call(operator, '/v1/rotate-merchant-keys', { ...tenant, compromised: true })
  const { entries } = await test.call(await test.peer('dispatcher'), '/v1/alarms', { after: 0 })
  const acts = entries.map(custodianEventOf).filter((type) => type?.startsWith('custodian.keys_'))
  assert.deepEqual(acts, ['custodian.keys_rotated', 'custodian.keys_rotated', 'custodian.keys_compromised'])
  assert.match(entries.find(({ operation }) => operation === 'keys-compromised')?.subject ?? '', /^mer_\w+\/test(?: mek_\w+)+$/)
})

/** The operations that code of ours writes rows with, as its text says. */
function writtenOperations(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|^testing\//.test(name))
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/operation: '([^']+)'[^]{0,40}outcome: 'allowed'|\.\.\.entry, operation: '([^']+)'|operation: '([^']+)', subject/g)])
    .map(([, one, two, three]) => one ?? two ?? three ?? '')
}

test('every operation that is ever written says whether somebody should hear of it', () => {
  const written = new Set(writtenOperations(join(import.meta.dirname, '..')))
  for (const operation of written) assert.ok(Object.hasOwn(custodianActs, operation), operation)
  for (const operation of Object.keys(custodianActs)) assert.ok(written.has(operation), `nobody writes ${operation}`)
})

test('every refusal is an alarm, whatever it was asked for; an act that is not in the table is no event', () => {
  for (const operation of ['/v1/open', '/v1/x', '__proto__', 'approval']) {
    assert.equal(custodianEventOf({ operation, outcome: 'refused' }), 'custodian.refused')
  }
  assert.equal(eventTypes['custodian.refused'].severity, 'alarm')
  for (const operation of ['/v1/open', '__proto__', 'toString']) assert.equal(custodianEventOf({ operation, outcome: 'allowed' }), null)
})
