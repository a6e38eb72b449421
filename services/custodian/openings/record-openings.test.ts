import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault, ManualClock, type MerchantKeyId } from '@ngome/kernel'
import { Refusal } from '../calls/refusal.ts'
import type { Store } from '../store/store.ts'
import { TestCustodian } from '../testing/test-custodian.ts'
import { purposeRules } from './purposes.ts'
import { OpeningRecorder, type Openings } from './record-openings.ts'
import { sweepBudgets } from './sweep-budgets.ts'

const { perRecord, perHourMax } = purposeRules.dispatch
const startMs = 1_800_000_000_000

function openings(names: readonly string[], caller = 'dispatcher/01'): Openings {
  const records = names.map((name) => ({ name, subject: `dispatch ${name}`, dataKeyHash: Buffer.alloc(32, name), merchantKey: 'mek_x' as MerchantKeyId }))
  return { purpose: 'dispatch', caller, records }
}

async function open(t: { after(fn: () => unknown): void }): Promise<TestCustodian> {
  const custodian = await TestCustodian.open({ clock: new ManualClock(startMs) })
  t.after(() => custodian.remove())
  return custodian
}

const reasonOf = (result: PromiseSettledResult<void>): string | undefined =>
  result.status === 'fulfilled' ? undefined : result.reason instanceof Refusal ? result.reason.reason : String(result.reason)

test('calls that come together are counted as if they had come one after the other, each whole or not at all', async (t) => {
  const custodian = await open(t)
  const calls = fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 30 })
  let run = 0
  await fc.assert(fc.asyncProperty(calls, async (all) => {
    // Each run has names of its own: what is counted stays counted.
    const prefix = `run-${++run}/`
    const before = custodian.count('log')
    const results = await Promise.allSettled(all.map((names) => custodian.custodian.recorder.record(openings(names.map((name) => prefix + name)))))
    const used = new Map<string, number>()
    let logged = 0
    for (const [at, names] of all.entries()) {
      const needed = Map.groupBy(names, (name) => name)
      const isAllowed = [...needed].every(([name, { length }]) => (used.get(name) ?? 0) + length <= perRecord.timesMax)
      assert.equal(reasonOf(results[at] as PromiseSettledResult<void>), isAllowed ? undefined : 'record_budget_spent')
      if (!isAllowed) continue
      for (const [name, { length }] of needed) used.set(name, (used.get(name) ?? 0) + length)
      logged += names.length
    }
    assert.equal(custodian.count('log') - before, logged)
    for (const [name, times] of used) {
      assert.equal(custodian.db.prepare('SELECT used FROM budgets WHERE subject = ?').get(prefix + name)?.['used'], times)
    }
  }), { numRuns: 20 })
})

test('the hour of a purpose ends for all, and its next begins anew', async (t) => {
  const custodian = await open(t)
  const { recorder } = custodian.custodian
  await recorder.record(openings(['a']))
  custodian.db.prepare(`UPDATE budgets SET used = ? WHERE subject = '*'`).run(perHourMax - 1)
  const results = await Promise.allSettled([openings(['b', 'c']), openings(['d']), openings(['e'])].map((call) => recorder.record(call)))
  assert.deepEqual(results.map(reasonOf), ['purpose_budget_spent', undefined, 'purpose_budget_spent'])
  ;(custodian.clock as ManualClock).advance(3_600_000)
  await recorder.record(openings(['b', 'c']))
})

test('more records than one transaction takes are recorded in the next, none is lost', async (t) => {
  const custodian = await open(t)
  const before = custodian.count('log')
  const calls = Array.from({ length: 40 }, (_, call) => openings(Array.from({ length: 50 }, (_none, at) => `${call}/${at}`)))
  await Promise.all(calls.map((call) => custodian.custodian.recorder.record(call)))
  assert.equal(custodian.count('log') - before, 2_000)
  assert.equal(custodian.db.prepare(`SELECT used FROM budgets WHERE subject = '*'`).get()?.['used'], 2_000)
})

test('what cannot be kept is not allowed, and what comes after it is', async (t) => {
  const custodian = await open(t)
  const { recorder } = custodian.custodian
  custodian.db.exec(`CREATE TRIGGER full BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
  const results = await Promise.allSettled([openings(['a']), openings(['b'])].map((call) => recorder.record(call)))
  assert.deepEqual(results.map(({ status }) => status), ['rejected', 'rejected'])
  custodian.db.exec('DROP TRIGGER full')
  assert.equal(custodian.db.prepare(`SELECT count(*) AS count FROM budgets`).get()?.['count'], 0)
  await recorder.record(openings(['a']))
})

test('a store that takes no more works refuses the calls that wait, and one that stands still bounds them', async () => {
  const works: (() => void)[] = []
  const store = { commits: { run: () => new Promise((_resolve, reject) => works.push(() => reject(new Fault('custodian/unavailable', 'full')))) } }
  const recorder = new OpeningRecorder(store as unknown as Store, new ManualClock(startMs))
  const waiting = Promise.allSettled(Array.from({ length: 4_096 }, () => recorder.record(openings(['a']))))
  await assert.rejects(recorder.record(openings(['a'])), { code: 'custodian/unavailable' })
  for (let at = 0; at < works.length; at++) {
    works[at]?.()
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  const results = await waiting
  assert.ok(results.every(({ status }) => status === 'rejected'))
})

test('a sweep clears away every window that has ended, however many', async (t) => {
  const custodian = await open(t)
  const insert = custodian.db.prepare('INSERT INTO budgets (purpose, subject, used, ends_at_ms) VALUES (?, ?, 1, ?)')
  for (let at = 0; at < 2_500; at++) insert.run('dispatch', String(at), startMs - at)
  insert.run('dispatch', 'later', startMs + 1)
  await sweepBudgets(custodian.custodian)
  assert.deepEqual(custodian.db.prepare('SELECT subject FROM budgets').all().map((row) => row['subject']), ['later'])
})
