import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId, PaymentId } from '@ngome/kernel'
import type { DaysReport, LedgerReport } from '@ngome/store'
import { findingsOf } from './ledger-check.ts'

const days: DaysReport = {
  isForeign: false, closedDays: 2, lastClosedDay: '2026-11-22', lateDays: [], wrongDays: [], brokenDays: [], unbooked: [],
}
const holds: LedgerReport = { payments: 3, byStatus: { succeeded: 3 }, wrong: [], misheld: [], days }
const account = 'acc_x' as AccountId

const bent: readonly (readonly [what: string, report: LedgerReport])[] = [
  ['a payment', { ...holds, wrong: ['pay_x' as PaymentId] }],
  ['a sum', { ...holds, misheld: [account] }],
  ['another cluster', { ...holds, days: { ...days, isForeign: true } }],
  ['a day that does not add up', { ...holds, days: { ...days, wrongDays: [{ account, day: '2026-11-22' }] } }],
  ['a day that was changed', { ...holds, days: { ...days, brokenDays: ['2026-11-22'] } }],
  ['a transfer in no day', { ...holds, days: { ...days, unbooked: [account] } }],
  ['a late day', { ...holds, days: { ...days, lateDays: ['2026-11-22'] } }],
]

test('the check of a true ledger finds nothing', () => {
  assert.deepEqual(findingsOf(holds).flatMap(({ found }) => found), [])
})

for (const [what, report] of bent) {
  test(`the check of the ledger names ${what}, and nothing else`, () => {
    assert.equal(findingsOf(report).filter(({ found }) => found.length > 0).length, 1)
  })
}
