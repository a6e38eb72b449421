import assert from 'node:assert/strict'
import { test } from 'node:test'
import { urgencies, type Urgency } from './concurrency-limit.ts'
import { LoopPressure, pressureBounds } from './loop-pressure.ts'

const late = pressureBounds.delayMsMax * 2
const press = (pressure: LoopPressure, times: number, delayMs = late, utilization = 1): void => {
  for (let at = 0; at < times; at++) pressure.observe(delayMs, utilization)
}
const shedOf = (pressure: LoopPressure, urgency: Urgency): number => {
  let shed = 0
  for (let at = 0; at < 1_000; at++) if (pressure.sheds(urgency)) shed++
  return shed / 1_000
}

test('a loop in time sheds nobody', () => {
  const pressure = new LoopPressure()
  press(pressure, 100, 5)
  for (const urgency of urgencies) assert.equal(shedOf(pressure, urgency), 0)
})

test('a machine that is late while we do nothing is no reason to shed', () => {
  const pressure = new LoopPressure()
  press(pressure, 100, late, 0.5)
  assert.equal(pressure.level, 0)
})

test('a loop that stays behind sheds what can wait, then what is ordinary, then of what is vital all but a tenth', () => {
  const pressure = new LoopPressure()
  const shares: number[][] = []
  for (let round = 0; round < 7; round++) {
    press(pressure, 5)
    shares.push(urgencies.map((urgency) => Math.round(shedOf(pressure, urgency) * 10) / 10))
  }
  assert.deepEqual(shares, [[0.5, 0, 0], [1, 0, 0], [1, 0.5, 0], [1, 1, 0], [1, 1, 0.5], [1, 1, 0.9], [1, 1, 0.9]])
})

test('it serves all again when the loop is in time again', () => {
  const pressure = new LoopPressure()
  press(pressure, 100)
  press(pressure, Math.ceil(pressureBounds.levelMax / pressureBounds.stepDown) + 1, 1)
  assert.equal(pressure.level, 0)
})
