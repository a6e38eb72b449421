import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '@ngome/testkit'
import type { Baseline } from './baseline.ts'
import { judge } from './judge.ts'
import { learn } from './learn.ts'
import {
  aroundTheClock, both, Draws, hoursOf, mondayMs, officeShop, weeklyBatch, type SimulatedMerchant,
} from './testing/simulated-merchants.ts'
import { dayMs, hourMs, type Anomaly, type HourUse, type RecentUse } from './use.ts'

const merchants = [officeShop, aroundTheClock, weeklyBatch]
const quiet: RecentUse = { requests: 0, refused: 0, notFound: 0, missedIds: 0, payers: 0, failedPayers: 0 }
const months = 12
const monthMs = 30 * dayMs
// Seeds are fixed: six keys of each, 72 key-months, have the same rates: none, none, and one flag in three.
const keysOfEach = 2

/** What is raised in a span: once for each kind, subject and day, as alerts are. */
function live(merchant: SimulatedMerchant, draws: Draws, untilMs: number): { baseline: Baseline; alerts: Anomaly[] } {
  let baseline: Baseline | undefined
  const alerts = new Map<string, Anomaly>()
  for (const hour of hoursOf(merchant, draws, mondayMs, untilMs)) {
    for (const one of judge(baseline, hour, quiet)) alerts.set(`${one.kind}:${one.subject}:${Math.floor(hour.hourMs / dayMs)}`, one)
    baseline = learn(baseline, hour)
  }
  assert.ok(baseline)
  return { baseline, alerts: [...alerts.values()] }
}

for (const merchant of merchants) {
  test(`${merchant.name} is flagged less than once in two months`, (t) => {
    let count = 0
    for (let key = 0; key < keysOfEach; key++) {
      const { alerts } = live(merchant, new Draws(new SeededRandom(1_000 + key)), mondayMs + months * monthMs)
      count += alerts.length
      for (const one of alerts) t.diagnostic(`${one.score} ${one.reason}`)
    }
    const perKeyMonth = count / (keysOfEach * months)
    t.diagnostic(`${count} flags in ${keysOfEach * months} key-months: ${perKeyMonth.toFixed(3)} for each`)
    assert.ok(perKeyMonth < 0.5, `${perKeyMonth} flags for each key-month`)
  })
}

type Attack = {
  readonly name: string
  readonly on: SimulatedMerchant
  /** Hours after the end of learning. */
  readonly atHour: number
  readonly thief: Partial<HourUse>
  readonly recent?: RecentUse
  readonly kind: Anomaly['kind']
  readonly scoreMin: number
}
const night = 2
const attacks: readonly Attack[] = [
  {
    name: 'a stolen key from a new country at night', on: officeShop, atHour: night, kind: 'new_country', scoreMin: 90,
    thief: { operations: { getPayment: 5 }, countries: { TZ: 5 }, networks: { '196.192.73.0/24': 5 } },
  },
  {
    name: 'a stolen key from the merchant\'s own network at night', on: officeShop, atHour: night, kind: 'unusual_hour', scoreMin: 40,
    thief: { operations: { getPayment: 5 }, countries: { UG: 5 }, networks: { '102.80.4.0/24': 5 } },
  },
  {
    name: 'a stolen key from another network of the same country', on: aroundTheClock, atHour: night, kind: 'new_network', scoreMin: 40,
    thief: { operations: { getPayment: 5 }, countries: { IE: 5 }, networks: { '87.44.1.0/24': 5 } },
  },
  {
    name: 'exfiltration by listing, from the merchant\'s own servers', on: aroundTheClock, atHour: 30, kind: 'volume', scoreMin: 80,
    thief: { operations: { listPayments: 600 } },
  },
  {
    name: 'a slow drip of lists, thirty within the hour', on: aroundTheClock, atHour: 30, kind: 'volume', scoreMin: 50,
    thief: { operations: { listPayments: 30 } },
  },
  {
    name: 'ten times the payments', on: aroundTheClock, atHour: 30, kind: 'volume', scoreMin: 60,
    thief: { operations: { createPayment: 2_500 } },
  },
  {
    name: 'payments of a hundred times the size', on: weeklyBatch, atHour: 4 * 24 + 7, kind: 'amount', scoreMin: 60,
    thief: { operations: { createPayment: 3 }, amounts: { 'UGX/48': 3 } },
  },
  {
    name: 'guessing of payment ids', on: aroundTheClock, atHour: 30, kind: 'enumeration', scoreMin: 85, thief: { operations: { getPayment: 60 } },
    recent: { ...quiet, requests: 90, refused: 60, notFound: 60, missedIds: 58 },
  },
  {
    name: 'card testing by payers', on: aroundTheClock, atHour: 30, kind: 'enumeration', scoreMin: 80, thief: { operations: { createPayment: 60 } },
    recent: { ...quiet, requests: 80, payers: 60, failedPayers: 50 },
  },
]

for (const { name, on, atHour, thief, recent = quiet, kind, scoreMin } of attacks) {
  test(`${name} is seen within its hour`, (t) => {
    for (let seed = 1; seed <= 2; seed++) {
      const draws = new Draws(new SeededRandom(seed))
      const learnedTo = mondayMs + 8 * 7 * dayMs
      const { baseline } = live(on, draws, learnedTo)
      const atMs = learnedTo + atHour * hourMs
      const whole = { hourMs: atMs, operations: {}, refused: 0, notFound: 0, missedIds: 0, countries: {}, networks: {}, amounts: {}, ...thief }
      const found = judge(baseline, both(on.hour(atMs, draws), whole), recent).find((one) => one.kind === kind)
      assert.ok(found, `seed ${seed} saw nothing`)
      assert.ok(found.score >= scoreMin, `${found.score}: ${found.reason}`)
      if (seed === 1) t.diagnostic(`${found.score}: ${found.reason}`)
    }
  })
}
