import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, Secret, systemRandom } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { Peppers } from './peppers.ts'

const logger = createLogger({ process: 'gateway', level: 'fatal', destination: { write: () => undefined } })

function world() {
  const alive = new Map([[1, new Secret(systemRandom.bytes(32))]])
  const seen = { versions: 0, values: 0, changes: 0 }
  const at = { nowMs: 1_000, isAway: false }
  const peppers = new Peppers({
    first: new Map(alive), logger, monotonicMs: () => at.nowMs, onChange: () => { seen.changes++ },
    source: {
      versions: async () => {
        seen.versions++
        if (at.isAway) throw new Fault('custodian/unavailable', 'away')
        return [...alive.keys()]
      },
      values: async () => {
        seen.values++
        return new Map(alive)
      },
    },
  })
  return { alive, seen, at, peppers }
}

test('a new pepper is learnt and one that ended is let go of; values are asked for only then', async () => {
  const { alive, seen, at, peppers } = world()
  await peppers.learn()
  assert.deepEqual([seen, peppers.isRotating], [{ versions: 1, values: 0, changes: 0 }, false])
  alive.set(2, new Secret(systemRandom.bytes(32)))
  at.nowMs += 1_000
  await peppers.learn()
  assert.deepEqual([peppers.get(2), peppers.some, peppers.isRotating], [alive.get(2), alive.get(2), true])
  alive.delete(1)
  at.nowMs += 1_000
  await peppers.learn()
  assert.deepEqual([peppers.get(1), peppers.isRotating, seen], [undefined, false, { versions: 3, values: 2, changes: 2 }])
})

test('however many keys ask, the custodian is asked once in a second, and its failure is everybody\'s answer', async () => {
  const { alive, seen, at, peppers } = world()
  at.isAway = true
  const answers = await Promise.allSettled(Array.from({ length: 50 }, () => peppers.learn()))
  assert.deepEqual([new Set(answers.map(({ status }) => status)), seen.versions], [new Set(['rejected']), 1])
  alive.set(2, new Secret(systemRandom.bytes(32)))
  at.isAway = false
  await assert.rejects(peppers.learn())
  at.nowMs += 1_000
  await peppers.learn()
  assert.deepEqual([peppers.get(2), seen.versions], [alive.get(2), 2])
})

test('while the custodian is away those at hand go on, and looking goes on by itself', async () => {
  const { alive, at, peppers } = world()
  const stop = peppers.keepLooking(20)
  at.isAway = true
  alive.set(2, new Secret(systemRandom.bytes(32)))
  await sleep(60)
  assert.deepEqual([peppers.get(1) === alive.get(1), peppers.get(2)], [true, undefined])
  at.isAway = false
  for (let look = 0; look < 100 && peppers.get(2) === undefined; look++) {
    at.nowMs += 1_000
    await sleep(20)
  }
  stop()
  assert.equal(peppers.get(2), alive.get(2))
})

test('without any pepper nothing is checked', () => {
  assert.throws(() => new Peppers({
    first: new Map(), logger, monotonicMs: () => 0, onChange: () => undefined,
    source: { versions: async () => [], values: async () => new Map() },
  }), { code: 'custodian/unavailable' })
})
