import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { formatReport, interleave, median, rateCase, timeCase } from './harness.ts'

suite('the bench harness', () => {
  test('runs every side as often as the others, and gives each its median', () => {
    const calls = { one: 0, two: 0, three: 0 }
    const perSecond = interleave(
      { one: () => calls.one++, two: () => calls.two++, three: () => calls.three++ }, { rounds: 6, batch: 10 },
    )
    assert.deepEqual(new Set(Object.values(calls)).size, 1)
    assert.ok(Object.values(perSecond).every((rate) => rate > 0 && Number.isFinite(rate)))
  })

  test('sees which side is slower', () => {
    const spin = (count: number) => (): number => Array.from({ length: count }, (_, at) => at * at).reduce((a, b) => a + b, 0)
    const { slow, quick } = interleave({ slow: spin(4000), quick: spin(40) }, { rounds: 30, batch: 3 })
    assert.ok(slow < quick)
  })

  test('takes the median, whatever the order, and none of nothing', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 2, 3]), 2.5)
    assert.throws(() => median([]), RangeError)
  })

  test('calls more work better where the unit is a rate, and less better where it is a time', () => {
    assert.equal(rateCase('a', 'op/s', 50, 100).ratio, 0.5)
    assert.equal(timeCase('a', 'µs', 50, 100).ratio, 2)
  })

  test('writes one line of JSON with the agreed keys, or a table with notes', () => {
    const report = { bench: 'x', cases: [rateCase('a', 'op/s', 50, 100)], notes: ['What it includes.'] }
    assert.deepEqual(JSON.parse(formatReport(report, 'json')),
      { bench: 'x', cases: [{ case: 'a', value: 50, unit: 'op/s', baseline: 100, ratio: 0.5 }] })
    assert.ok(!formatReport(report, 'json').includes('\n'))
    assert.match(formatReport(report, 'table'), /^x\n\ncase +value[^]+a +50 +100 +op\/s +50\.0 %\n\nWhat it includes\.$/)
  })
})
