import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seedFrom, softHsmIsMissing } from '@ngome/testkit'
import { killRotations, planKills } from '../testing/kill-rotations.ts'
import { rotationKinds } from '../testing/rotation-kinds.ts'

const points = 10
const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(Math.random() * 2 ** 31))

test(`kill -9 of a custodian at random points of every kind of rotation: none is stuck, no record is lost, the log holds (seed ${seed})`, {
  skip: softHsmIsMissing(), timeout: 170_000,
}, async (t) => {
  const report = await killRotations(planKills(rotationKinds, points, seed), { seed, tell: (line) => t.diagnostic(line) })
  t.diagnostic(JSON.stringify({ ...report, wrongs: undefined }))
  assert.deepEqual(report.wrongs, [], `NGOME_TEST_SEED=${seed}`)
  assert.ok(Object.values(report.kills).every(({ all }) => all > 0))
  assert.ok(report.openings > points)
})
