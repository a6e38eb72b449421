import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId, systemClock, systemRandom, type PaymentId, type PayoutBatchId, type PayoutBatchPartId } from '@ngome/kernel'
import { cancelPayoutBatch } from '@ngome/store'
import { emit } from '@ngome/contracts'
import { Registry } from 'prom-client'
import { startJobs } from '../process/start-jobs.ts'
import { acceptBatch } from '../testing/accept-batch.ts'
import { authorize, OutgoingWorld, payoutBody, type SigningKey } from '../testing/outgoing-world.ts'
import { dispatchPart } from './dispatch-part.ts'

const signal = new AbortController().signal
let world: OutgoingWorld
let key: SigningKey

before(async () => {
  world = await OutgoingWorld.create()
  key = await world.addKey()
  world.over.set('EUR', 1_000_000n)
  await world.collect('+46733123499', 1_000_000n)
})
after(() => world.close())
beforeEach(async () => {
  world.requests.length = 0
  world.openings.length = 0
  world.answers = { request: { kind: 'taken' }, enquiry: { kind: 'succeeded', networkReference: 'n' } }
  world.isAway = false
  world.takesMs = 0
  await world.database.asAdmin('DELETE FROM pgboss.job')
})

/** A batch of one part. */
async function acceptPart(count: number): Promise<{ readonly part: PayoutBatchPartId; readonly payments: readonly PaymentId[] }> {
  const { batch, parts: [part] } = await acceptBatch(world, key, { count })
  assert.ok(part)
  batches.set(part.part, batch)
  return part
}
const batches = new Map<string, PayoutBatchId>()
const run = (part: PayoutBatchPartId): Promise<void> => dispatchPart(world.dispatcher, { ...world.merchant.tenant, part }, signal)
const jobs = (): Promise<readonly Record<string, unknown>[]> => world.database.asAdmin(`SELECT name, count(*)::int AS count FROM pgboss.job WHERE state = 'created' GROUP BY name ORDER BY name`)

test('sends each row of a part once, opens the part once, and plans an enquiry for each', async () => {
  const { part, payments } = await acceptPart(60)
  await world.database.asAdmin('DELETE FROM pgboss.job')
  await run(part)
  assert.deepEqual(world.requests.map(({ payment }) => payment).toSorted((a, b) => a < b ? -1 : 1), payments.toSorted((a, b) => a < b ? -1 : 1))
  assert.equal(world.openings.filter((purpose) => purpose === 'payout-part').length, 1)
  assert.deepEqual(await jobs(), [{ name: 'payment-enquire', count: 60 }])
  await run(part)
  assert.equal(world.requests.length, 60)
})

test('leaves a network that is away alone, with one job for all rows', async () => {
  const { part } = await acceptPart(60)
  await world.database.asAdmin('DELETE FROM pgboss.job')
  world.isAway = true
  await run(part)
  assert.deepEqual([world.requests.length, await jobs()], [0, [{ name: 'payout-part', count: 1 }]])
  world.isAway = false
  await run(part)
  assert.equal(world.requests.length, 60)
})

test('asks about what a run that died had sent, by whichever clock it was sent', async () => {
  const { part } = await acceptPart(3)
  await world.database.asAdmin('DELETE FROM pgboss.job')
  const died = new Error('died before it planned to ask')
  const payments = { ...world.dispatcher.payments, scheduleEnquiry: () => Promise.reject(died) }
  const behind = { nowMs: () => systemClock.nowMs() - 60_000 }
  await assert.rejects(dispatchPart({ ...world.dispatcher, payments, clock: behind }, { ...world.merchant.tenant, part }, signal), died)
  await run(part)
  assert.deepEqual([world.requests.length, await jobs()], [3, [{ name: 'payment-enquire', count: 3 }]])
  await world.database.asAdmin('DELETE FROM pgboss.job')
  await run(part)
  assert.deepEqual(await jobs(), [], 'and not twice')
})

test('begins no row of a batch that was cancelled', async () => {
  const { part } = await acceptPart(3)
  const batch = batches.get(part)
  assert.ok(batch)
  const gateway = world.database.open('ngome_gateway', { poolMax: 1 })
  const { tenant } = world.merchant
  const event = emit({ clock: systemClock, random: systemRandom, process: 'gateway' }, 'payout_batch.cancelled', tenant, {
    batch, asked_with: newId('apiKey', { clock: systemClock, random: systemRandom }), signed_with: key.id,
  })
  assert.ok(await cancelPayoutBatch(gateway, tenant, batch, systemClock.nowMs(), event))
  await world.database.asAdmin('DELETE FROM pgboss.job')
  await run(part)
  assert.deepEqual([world.requests.length, await jobs()], [0, []])
})

test('a single payout does not wait for the end of a batch', async (t) => {
  const { payments } = await acceptPart(120)
  world.takesMs = 30
  const workers = startJobs(world.dispatcher, new Registry(), 16)
  t.after(() => workers.stop(100))
  while (world.requests.length < 8) await sleep(10)
  const single = await world.payout({ sealed: { authorization: authorize({ key, target: '/v1/payouts', body: payoutBody }) } })
  world.dispatcher.db.wake('payment-dispatch')
  while (!world.requests.some(({ payment }) => payment === single)) await sleep(5)
  assert.ok(world.requests.length < payments.length, `${world.requests.length} were asked for before it`)
})
