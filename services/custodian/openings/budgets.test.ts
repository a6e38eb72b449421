import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TestCustodian } from '../testing/test-custodian.ts'
import { clearEndedBudgets, spend } from './budgets.ts'

const budget = { purpose: 'p', subject: 's', timesMax: 3, windowMs: 100 }

test('never allows more than the budget within a window, whatever the times of the calls', async (t) => {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 2 })), { maxLength: 40 }), async (calls) => {
    custodian.db.exec('DELETE FROM budgets')
    let nowMs = 1_000
    let window = { endsAtMs: 0, used: 0 }
    for (const [afterMs, uses] of calls) {
      nowMs += afterMs
      if (window.endsAtMs <= nowMs) window = { endsAtMs: 0, used: 0 }
      const isAllowed = window.used + uses <= budget.timesMax
      assert.equal(await custodian.commit((transaction) => spend(transaction, budget, nowMs, uses)), isAllowed)
      if (isAllowed) window = { endsAtMs: window.endsAtMs || nowMs + budget.windowMs, used: window.used + uses }
    }
  }), { numRuns: 60 })
})

test('a clock that is set back gives no new budget', async (t) => {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  assert.equal(await custodian.commit((transaction) => spend(transaction, budget, 1_000, 3)), true)
  assert.equal(await custodian.commit((transaction) => spend(transaction, budget, 10)), false)
})

test('forgets windows that have ended, and no others', async (t) => {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  await custodian.commit(async (transaction) => {
    await spend(transaction, budget, 0)
    await spend(transaction, { ...budget, subject: 'later' }, 50)
    await clearEndedBudgets(transaction, 100)
  })
  assert.deepEqual(custodian.db.prepare('SELECT subject FROM budgets').all().map((row) => row['subject']), ['later'])
})
