import assert from 'node:assert/strict'
import { test } from 'node:test'
import { urgencies, type Urgency } from './concurrency-limit.ts'
import { LoopPressure, pressureBounds } from './loop-pressure.ts'

/** An event loop whose turns are the test's: in each come requests, the last of them so long after the first. */
function scene() {
  const time = { nowMs: 1_000 }
  let end: (() => void) | undefined
  const pressure = new LoopPressure((atEnd) => {
    assert.equal(end, undefined, 'it asks once for each turn')
    end = atEnd
  })
  const turn = (ms: number, urgency: Urgency = 'vital'): boolean[] => {
    const shed = [pressure.sheds(urgency, time.nowMs)]
    time.nowMs += ms
    shed.push(pressure.sheds(urgency, time.nowMs))
    end?.()
    end = undefined
    return shed
  }
  return { time, pressure, turn }
}
const { longTurnMs, shortTurnMs, turnsMin, standsAfterMs, forgetAfterMs, ageMsMax } = pressureBounds

test('short turns shed nobody, however many', () => {
  const { turn } = scene()
  for (let at = 0; at < 1_000; at++) assert.deepEqual(turn(longTurnMs - 1, 'deferrable'), [false, false])
})

test('a standstill sheds nobody: not who was first after it, nor who came behind him', () => {
  for (const ms of [200, 2_000, 60_000]) {
    for (const urgency of urgencies) {
      const { turn, pressure } = scene()
      assert.deepEqual([turn(ms, urgency), turn(1, urgency), pressure.level], [[false, false], [false, false], 0])
    }
  }
})

test('two standstills in a row neither, and three short ones', () => {
  const { turn } = scene()
  for (let at = 1; at < turnsMin; at++) assert.deepEqual(turn(5_000, 'deferrable'), [false, false])
  turn(1)
  for (let at = 0; at <= turnsMin; at++) assert.deepEqual(turn(Math.floor((standsAfterMs - 1) / (turnsMin + 1)), 'deferrable'), [false, false])
})

test('a delay that stands sheds by age and urgency, and never the first of a turn', () => {
  const { turn, pressure } = scene()
  for (let at = 0; at < turnsMin; at++) turn(400)
  assert.equal(pressure.level, 3)
  for (const urgency of urgencies) {
    assert.deepEqual(turn(ageMsMax[urgency], urgency), [false, false], 'old as it may be')
    assert.deepEqual(turn(ageMsMax[urgency] + 1, urgency), [false, true])
  }
})

test('what can wait goes before what is ordinary, and that before what is vital', () => {
  assert.ok(ageMsMax.deferrable < ageMsMax.ordinary && ageMsMax.ordinary < ageMsMax.vital)
  assert.ok(ageMsMax.deferrable >= shortTurnMs, 'a turn that ends it sheds nobody')
})

test('one short turn ends it, one at the edge does not', () => {
  const { turn, pressure } = scene()
  for (let at = 0; at < turnsMin; at++) turn(400)
  turn(shortTurnMs)
  assert.deepEqual(turn(400), [false, true])
  turn(shortTurnMs - 1)
  assert.equal(pressure.level, 0)
  assert.deepEqual(turn(400), [false, false])
})

test('after a while without requests it is over: a burst later is judged anew', () => {
  const { turn, time } = scene()
  for (let at = 0; at < turnsMin; at++) turn(400)
  time.nowMs += forgetAfterMs
  assert.deepEqual(turn(400), [false, true])
  time.nowMs += forgetAfterMs + 1
  assert.deepEqual(turn(400), [false, false])
})
