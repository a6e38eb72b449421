import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { afterNotFound, afterRefusedNotFound, nextEnquiryAfterMs, sendingsMax } from './enquiry-schedule.ts'

const timing = { settleAfterMs: 120_000, enquiryIntervalMs: 5_000, giveUpAfterMs: 900_000, sendWithinMs: 45_000 }
const ageMs = fc.integer({ min: 0, max: 10 * 86_400_000 })

describe('enquiries', () => {
  for (const [name, age, expected] of [
    ['begin at the interval', 0, 5_000], ['keep it for a while', 50_000, 5_000], ['slow down with age', 300_000, 30_000],
    ['come once a minute at least, while there is hope', 899_999, 60_000],
    ['become rare afterwards', 900_000, 180_000], ['and come once an hour for ever', 864_000_000, 3_600_000],
  ] as const) {
    test(name, () => { assert.equal(nextEnquiryAfterMs(age, timing), expected) })
  }
  test('never come faster than the interval, nor stop', () => {
    fc.assert(fc.property(ageMs, (age) => {
      const afterMs = nextEnquiryAfterMs(age, timing)
      assert(afterMs >= timing.enquiryIntervalMs && afterMs <= 3_600_000)
    }))
  })
})

describe('not found', () => {
  for (const [name, age, sendings, expected] of [
    ['is nothing before the settling time', 119_999, 1, 'wait'],
    ['has the same reference sent again after it', 120_000, 1, 'send_again'],
    ['waits one more settling time after each sending', 239_999, 2, 'wait'],
    ['sends again then', 240_000, 2, 'send_again'],
    ['sends nothing after giving up', 900_000, 1, 'wait'],
    ['sends nothing when all sendings are used', 899_999, sendingsMax, 'wait'],
    ['is not final while the last sending may be under way', 944_999, 1, 'wait'],
    ['is not final within the last sending\'s settling time', 1_064_999, 1, 'wait'],
    ['is final after it', 1_065_000, 1, 'final'],
  ] as const) {
    test(name, () => { assert.equal(afterNotFound(age, sendings, timing), expected) })
  }
  test('whatever was sent has had its settling time before it is final', () => {
    const anyTiming = fc.record({
      settleAfterMs: fc.integer({ min: 1, max: 10 ** 6 }), giveUpAfterMs: fc.integer({ min: 1, max: 10 ** 7 }), sendWithinMs: fc.integer({ min: 0, max: 10 ** 5 }),
    })
    fc.assert(fc.property(ageMs, ageMs, fc.integer({ min: 1, max: 20 }), anyTiming, (sentAt, judgedAt, sendings, any) => {
      if (afterNotFound(sentAt, sendings, any) !== 'send_again' || afterNotFound(judgedAt, sendings, any) !== 'final') return
      assert(judgedAt >= sentAt + any.sendWithinMs + any.settleAfterMs)
    }))
  })
})

test('not found after a refusal is final when the sending, however late, has had its settling time', () => {
  assert.equal(afterRefusedNotFound(164_999, timing), 'wait')
  assert.equal(afterRefusedNotFound(165_000, timing), 'final')
})
