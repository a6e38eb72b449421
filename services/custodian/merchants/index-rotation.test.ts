import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, newId, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { workOnKeys } from '../key-life/work-on-keys.ts'
import { advancesPerHourMax } from '../openings/purposes.ts'
import { TestCustodian, testSettings } from '../testing/test-custodian.ts'
import { findIndexKeys } from './index-keys.ts'

const dayMs = 86_400_000
const refused = { code: 'custodian/refused' }
const digest = (): string => toBase64Url(systemRandom.bytes(16))

type World = { test: TestCustodian; clock: ManualClock; tenant: Tenant }

async function world(t: { after(fn: () => void): void }, indexAgeMsMax = testSettings.keyPolicy.indexAgeMsMax): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const test = await TestCustodian.open({ clock, settings: { keyPolicy: { ...testSettings.keyPolicy, indexAgeMsMax } } })
  t.after(() => test.remove())
  return { test, clock, tenant: await test.tenant() }
}

const rotate = async ({ test, tenant }: World, compromised = false) =>
  test.call(await test.peer('operator'), '/v1/rotate-index-key', { ...tenant, compromised })
const advance = async ({ test, tenant }: World, fingerprints: readonly string[], given: object = {}) =>
  test.call(await test.peer('dispatcher'), '/v1/advance-fingerprints', { ...tenant, generation: 1, fingerprints: [...fingerprints], left: null, ...given })
const progress = async ({ test, tenant }: World, left: number) =>
  test.call(await test.peer('dispatcher'), '/v1/index-progress', { ...tenant, left })
const index = async ({ test, tenant }: World) =>
  test.call(await test.peer('dispatcher'), '/v1/index', { ...tenant, blinded: [toBase64Url(new Uint8Array(32))] })
const rotations = async ({ test }: World) =>
  (await test.call(await test.peer('operator'), '/v1/rotations', {})).rotations.filter(({ level }) => level === 'index')
    .map(({ cause, state, done, total }) => `${cause} ${state} ${done}/${total}`)
const running = async ({ test }: World) => (await test.call(await test.peer('dispatcher'), '/v1/index-rotations', {})).rotations
const states = async ({ test, tenant }: World) => (await findIndexKeys(test.store, tenant)).map(({ life }) => life.state)

test('an index key is followed by another: what is kept goes on through the chain, equal stays equal, different stays different', async (t) => {
  const w = await world(t)
  const first = await index(w)
  assert.equal(first.generation, 1)
  await rotate(w)
  assert.deepEqual(await index(w), { ...first, generation: 2 })
  const [one, other] = [digest(), digest()]
  const second = await advance(w, [one, other, one])
  assert.equal(second.generation, 2)
  assert.equal(second.fingerprints[0], second.fingerprints[2])
  assert.equal(new Set([one, other, ...second.fingerprints]).size, 4)
  for (const text of second.fingerprints) assert.equal(Buffer.from(text, 'base64url').length, 16)
  w.clock.advance(600_000)
  await progress(w, 0)
  await workOnKeys(w.test.custodian)
  await rotate(w, true)
  // In one step or in two: the same.
  const third = await advance(w, [one])
  assert.deepEqual(third, { generation: 3, fingerprints: (await advance(w, second.fingerprints.slice(0, 1), { generation: 2 })).fingerprints })
  await w.test.reopen()
  assert.deepEqual(await advance(w, [one]), third)
  assert.deepEqual(await states(w), ['decrypt-only', 'compromised', 'active'])
  const { keys } = await w.test.call(await w.test.peer('operator'), '/v1/key-inventory', { after: { purpose: 'index', name: '' } })
  const listed = keys.filter(({ purpose }) => purpose === 'index')
  assert.deepEqual(listed.map(({ tenant, nextRotationAt }) => [tenant, nextRotationAt !== null]),
    [false, false, true].map((isNext) => [`${w.tenant.merchant}/${w.tenant.world}`, isNext]))
})

test('another merchant\'s chain gives other fingerprints, and is not rotated along', async (t) => {
  const w = await world(t)
  const other = { ...w, tenant: await w.test.tenant() }
  const one = digest()
  await rotate(w)
  await assert.rejects(advance(other, [one]), refused)
  await rotate(other)
  assert.notDeepEqual((await advance(other, [one])).fingerprints, (await advance(w, [one])).fingerprints)
  assert.deepEqual(new Map((await running(w)).map(({ merchant, generation }) => [merchant, generation])),
    new Map([[w.tenant.merchant, 2], [other.tenant.merchant, 2]]))
})

test('a rotation shows how many are left, ends when none is and no job of before can come, and runs alone', async (t) => {
  const w = await world(t)
  await rotate(w)
  await assert.rejects(rotate(w), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'rotation_running')
  await advance(w, [digest(), digest()], { left: 5 })
  assert.deepEqual(await rotations(w), ['demand running 0/5'])
  await advance(w, [digest()], { left: 3 })
  assert.deepEqual(await rotations(w), ['demand running 2/5'])
  w.clock.advance(600_000)
  await workOnKeys(w.test.custodian)
  await progress(w, 1)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await rotations(w), ['demand running 4/5'])
  await progress(w, 0)
  await workOnKeys(w.test.custodian)
  assert.deepEqual([await rotations(w), await running(w)], [['demand done 5/5'], []])
  // A word that comes too late changes nothing.
  await progress(w, 7)
  assert.deepEqual(await rotations(w), ['demand done 5/5'])
})

test('nothing ends before the dispatcher has looked, nor at once when it has', async (t) => {
  const w = await world(t)
  await rotate(w)
  w.clock.advance(600_000)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await rotations(w), ['demand running 0/0'])
  const early = { ...w, tenant: await w.test.tenant() }
  await rotate(early)
  await progress(early, 0)
  await progress(w, 0)
  await workOnKeys(w.test.custodian)
  assert.deepEqual((await running(w)).map(({ merchant }) => merchant), [early.tenant.merchant])
})

test('the policy lets another key follow one that is too old, once', async (t) => {
  const w = await world(t, 10 * dayMs)
  w.clock.advance(10 * dayMs - 1)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await rotations(w), [])
  w.clock.advance(1)
  await workOnKeys(w.test.custodian)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await rotations(w), ['policy running 0/0'])
})

test('the chain of a merchant whose keys are destroyed ends as a whole, with its rotation', async (t) => {
  const w = await world(t)
  await rotate(w)
  w.test.db.prepare('INSERT INTO ended_tenants (merchant, world, ended_at_ms) VALUES (?, ?, 0)').run(w.tenant.merchant, w.tenant.world)
  assert.deepEqual(await running(w), [])
  await assert.rejects(advance(w, [digest()]), refused)
  await assert.rejects(rotate(w), refused)
  w.clock.advance(600_000)
  await workOnKeys(w.test.custodian)
  assert.deepEqual(await rotations(w), ['demand done 0/0'])
})

test('of two rotations at once one is made', async (t) => {
  const w = await world(t)
  const results = await Promise.allSettled([rotate(w), rotate(w), rotate(w)])
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.deepEqual(await states(w), ['decrypt-only', 'active'])
})

test('a chain with a gap computes nothing', async (t) => {
  const w = await world(t)
  w.test.db.prepare(`INSERT INTO key_lives (purpose, name, state, created_at_ms, active_at_ms) VALUES ('index', ?, 'active', 0, 0)`)
    .run(`${w.tenant.merchant}/${w.tenant.world}/g3`)
  await assert.rejects(index(w), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'key_unusable')
})

const attacks: readonly (readonly [claim: string, reason: string, given: (w: World) => object])[] = [
  ['a stranger', 'tenant_unknown', ({ clock }) => ({ merchant: newId('merchant', { clock, random: systemRandom }) })],
  ['the other world', 'tenant_unknown', () => ({ world: 'live' })],
  ['what is no fingerprint', 'request_invalid', () => ({ fingerprints: [toBase64Url(new Uint8Array(32))] })],
  ['nothing', 'request_invalid', () => ({ fingerprints: [] })],
  ['too many', 'request_invalid', () => ({ fingerprints: Array.from({ length: 257 }, digest) })],
  ['what is of the newest key already', 'request_invalid', () => ({ generation: 2 })],
  ['a key that never was', 'request_invalid', () => ({ generation: 9 })],
  ['before the first key', 'request_invalid', () => ({ generation: 0 })],
]
for (const [claim, reason, given] of attacks) {
  test(`refuses to take on fingerprints of ${claim}`, async (t) => {
    const w = await world(t)
    await rotate(w)
    await assert.rejects(advance(w, [digest()], given(w)), refused)
    assert.equal(w.test.lastLog(1)[0]?.['reason'], reason)
  })
}

test('taking fingerprints on has a budget of its own', async (t) => {
  const w = await world(t)
  await rotate(w)
  await advance(w, [digest()])
  w.test.db.prepare(`UPDATE budgets SET used = ? WHERE purpose = 'index-advance'`).run(advancesPerHourMax)
  await assert.rejects(advance(w, [digest()]), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'purpose_budget_spent')
  await index(w)
  w.clock.advance(3_600_000)
  await advance(w, [digest()])
})
