import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OverloadModel, type Machine, type Mixture, type Tally } from '../testing/overload-model.ts'
import { concurrencyBounds, urgencies, type Urgency } from './concurrency-limit.ts'

/** A database that does a thousand requests a second, in front of it a gateway that could do four thousand. */
const behindDatabase: Machine = { inMs: 0.15, outMs: 0.1, refusedMs: 0.05, workers: 16, serviceMs: 16 }
/** A gateway that does a thousand payments a second, before a database that could do eight thousand; a refusal costs a tenth. */
const behindLoop: Machine = { inMs: 0.6, outMs: 0.4, refusedMs: 0.1, workers: 16, serviceMs: 2 }
const perSecond = 1_000
const all: Mixture = { deferrable: 0.4, ordinary: 0.4, vital: 0.2 }
const only = (urgency: Urgency): Mixture => ({ deferrable: 0, ordinary: 0, vital: 0, [urgency]: 1 })

const p99 = (values: readonly number[]): number => values.toSorted((one, other) => one - other)[Math.floor(values.length * 0.99)] ?? 0
const shedShare = ({ offered, shed }: Tally, urgency: Urgency): number => shed[urgency] / offered[urgency]
const sum = (counts: Readonly<Record<Urgency, number>>): number => counts.deferrable + counts.ordinary + counts.vital
const goodput = (tally: Tally): number => sum(tally.answered) / tally.seconds

const slower = (machine: Machine, times: number): Machine => ({ ...machine, inMs: machine.inMs * times, outMs: machine.outMs * times, serviceMs: machine.serviceMs * times })
/** As many as one network may have connections, and as the benchmark has; the loop's own costs bound the first. */
const busy: readonly (readonly [string, Machine, number])[] = [
  ['64 at a full core', behindLoop, 64],
  ['64 at a core of which neighbours take half', slower(behindLoop, 2), 64],
  ['256 at a full core', slower(behindLoop, 0.5), 256],
  ['256 at a full database', behindDatabase, 256],
  ['256 at a database that is six times slower', { ...behindDatabase, serviceMs: 100 }, 256],
]
for (const [name, machine, clients] of busy) {
  for (const urgency of urgencies) {
    test(`clients who wait for their answers are never sent away: ${name}, all ${urgency}`, () => {
      const model = new OverloadModel(machine, 1)
      const tally = model.run({ seconds: 40, clients, mixture: only(urgency) })
      assert.ok(sum(tally.answered) > 4_000, 'they were many')
      assert.equal(sum(tally.shed), 0)
    })
  }
}

test('the same clients, where one turn of theirs takes longer than we let stand, are: the model can refuse them', () => {
  const tally = new OverloadModel(slower(behindLoop, 3), 1).run({ seconds: 20, clients: 256, mixture: only('deferrable') })
  assert.ok(sum(tally.shed) > 0)
})

test('a process that stood still for seconds serves all who waited', () => {
  for (const [seed, standsStillMs] of [[1, 1_000], [2, 3_000], [3, 6_000]] as const) {
    for (const load of [{ clients: 64 }, { clients: 200 }, { perSecond: 40 }]) {
      const tally = new OverloadModel(behindDatabase, seed).run({ seconds: 20, mixture: all, standsStillMs, ...load })
      assert.equal(sum(tally.shed), 0, `${standsStillMs} ms, ${JSON.stringify(load)}`)
    }
  }
})

for (const seed of [1, 2, 3]) {
  test(`behind a database, five times what it can: nine tenths of its best, payments in time, what can wait goes first (seed ${seed})`, () => {
    const model = new OverloadModel(behindDatabase, seed)
    const calm = model.run({ seconds: 20, perSecond: perSecond * 0.5, mixture: all })
    assert.equal(sum(calm.shed), 0)
    const onset = model.run({ seconds: 3, perSecond: perSecond * 5, mixture: all })
    assert.ok(p99(onset.vitalMs) < 1_000, `at its onset ${p99(onset.vitalMs)} ms`)
    const flood = model.run({ seconds: 60, perSecond: perSecond * 5, mixture: all })
    assert.ok(goodput(flood) > perSecond * 0.9, `goodput ${goodput(flood)}`)
    assert.ok(p99(flood.vitalMs) < 300, `p99 of what is vital ${p99(flood.vitalMs)} ms`)
    assert.ok(shedShare(flood, 'deferrable') > 0.99, `deferrable ${shedShare(flood, 'deferrable')}`)
    assert.ok(shedShare(flood, 'vital') < shedShare(flood, 'ordinary') / 4, `vital ${shedShare(flood, 'vital')}`)
    const after = model.run({ seconds: 30, perSecond: perSecond * 0.5, mixture: all })
    assert.ok(sum(after.shed) / sum(after.offered) < 0.01, `after it ${sum(after.shed)}`)
    assert.ok(model.limit >= concurrencyBounds.startsAt)
  })

  test(`behind its own loop, five times what it can: what refusals leave of its best, payments in time (seed ${seed})`, () => {
    const model = new OverloadModel(behindLoop, seed)
    assert.equal(sum(model.run({ seconds: 10, perSecond: perSecond * 0.5, mixture: all }).shed), 0)
    const onset = model.run({ seconds: 5, perSecond: perSecond * 5, mixture: all })
    assert.ok(p99(onset.vitalMs) < 1_500, `at its onset ${p99(onset.vitalMs)} ms`)
    const flood = model.run({ seconds: 60, perSecond: perSecond * 5, mixture: all })
    // Who refuses five times what he can answer, at a tenth of the cost, has this much left: g + 0.1 (5 - g) = 1.
    const best = perSecond * (1 - 5 * 0.1) / (1 - 0.1)
    assert.ok(goodput(flood) > best * 0.9, `goodput ${goodput(flood)} of ${best}`)
    assert.ok(p99(flood.vitalMs) < 400, `p99 of what is vital ${p99(flood.vitalMs)} ms`)
    assert.ok(shedShare(flood, 'deferrable') > shedShare(flood, 'ordinary'))
    assert.ok(shedShare(flood, 'ordinary') > shedShare(flood, 'vital') + 0.2, `ordinary ${shedShare(flood, 'ordinary')}, vital ${shedShare(flood, 'vital')}`)
    const after = model.run({ seconds: 30, perSecond: perSecond * 0.5, mixture: all })
    assert.ok(sum(after.shed) / sum(after.offered) < 0.02, `after it ${sum(after.shed)}`)
  })

  test(`a third too much is met by what can wait alone (seed ${seed})`, () => {
    for (const machine of [behindDatabase, behindLoop]) {
      const model = new OverloadModel(machine, seed)
      model.run({ seconds: 10, perSecond: perSecond * 0.5, mixture: all })
      const over = model.run({ seconds: 60, perSecond: perSecond * 1.3, mixture: all })
      assert.ok(shedShare(over, 'vital') < 0.02, `vital ${shedShare(over, 'vital')}`)
      assert.ok(shedShare(over, 'ordinary') < shedShare(over, 'deferrable') / 2, `ordinary ${shedShare(over, 'ordinary')} of ${shedShare(over, 'deferrable')}`)
      assert.ok(goodput(over) > perSecond * 0.9, `goodput ${goodput(over)}`)
    }
  })
}

test('without the limit the same load drowns everybody: the model can fail', () => {
  for (const machine of [behindDatabase, behindLoop]) {
    const model = new OverloadModel(machine, 1, false)
    const calm = model.run({ seconds: 10, perSecond: perSecond * 0.5, mixture: all })
    const over = model.run({ seconds: 20, perSecond: perSecond * 1.4, mixture: all })
    assert.ok(p99(over.vitalMs) > p99(calm.vitalMs) * 20, `${p99(over.vitalMs)} ms`)
  }
})

test('an overload that lasts does not become the measure', () => {
  const model = new OverloadModel(behindDatabase, 5)
  model.run({ seconds: 10, perSecond: perSecond * 0.5, mixture: all })
  const first = model.run({ seconds: 60, perSecond: perSecond * 2, mixture: all })
  const later = model.run({ seconds: 120, perSecond: perSecond * 2, mixture: all })
  assert.ok(p99(later.vitalMs) < p99(first.vitalMs) * 1.2, `${p99(later.vitalMs)} after ${p99(first.vitalMs)}`)
})

test('a database that is ten times slower than before is served to its full, in an overload too', () => {
  const model = new OverloadModel(behindDatabase, 6)
  model.run({ seconds: 10, perSecond: perSecond * 0.5, mixture: all })
  const slow = { serviceMs: 160, mixture: all }
  const calm = model.run({ seconds: 60, perSecond: 50, ...slow })
  assert.equal(sum(calm.shed), 0)
  const over = model.run({ seconds: 60, perSecond: 300, ...slow })
  assert.ok(goodput(over) > 100 * 0.9, `goodput ${goodput(over)}`)
})
