import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { acceptPayment } from '../payments/accept-payment.ts'
import { inTenant } from '../transaction.ts'
import { bossFor } from './boss.ts'
import { enqueue } from './enqueue.ts'
import { startWorkers, type JobHandlers } from './start-workers.ts'

const from = { clock: systemClock, random: systemRandom }

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  dispatcher = database.open('ngome_dispatcher')
  merchant = await addTestMerchant(database)
})
after(() => database.close())

const work = (handlers: JobHandlers, { errors = [], ...times }: { errors?: unknown[]; leaseMs?: number; pollMs?: number } = {}) => startWorkers(dispatcher,
  { handlers, concurrency: 4, leaseMs: 900, ...times, onError: (error) => errors.push(error) })

const add = async (payment: PaymentId, startAfterMs = 0): Promise<void> => {
  await inTenant(dispatcher, merchant.tenant, (tx) =>
    enqueue(tx, 'payment-enquire', { ...merchant.tenant, payment }, { startAfterMs }))
  dispatcher.wake('payment-enquire')
}

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 40_000): Promise<void> {
  const startedAt = performance.now()
  while (!await condition()) {
    assert.ok(performance.now() - startedAt < timeoutMs, 'waited in vain')
    await wait(20)
  }
}

const statesOf = async (payment: PaymentId): Promise<readonly unknown[]> =>
  (await database.asAdmin(`SELECT state::text FROM pgboss.job WHERE data->>'payment' = $1`, [payment]))
    .map(({ state }) => state)

describe('workers', () => {
  test('start the job of an accepted payment by its wake, without waiting for the next look', { timeout: 120_000 }, async () => {
    const started = new Set<string>()
    // A look that nobody asked for comes after the test has failed.
    const workers = work({ 'payment-dispatch': async ({ payment }) => void started.add(payment) }, { pollMs: 600_000 })
    const listeners = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`
    await until(async () => Number((await database.asAdmin(listeners))[0]?.['n']) > 0)
    for (let n = 0; n < 10; n++) {
      const acceptance = testAcceptance(merchant)
      await acceptPayment(gateway, acceptance)
      await until(() => started.has(acceptance.payment.id))
    }
    await workers.stop()
  })

  test('wait for the time of a job that is to wait', async () => {
    const ran: number[] = []
    const workers = work({ 'payment-enquire': async () => void ran.push(performance.now()) })
    const addedAt = performance.now()
    await add(newId('payment', from), 1_000)
    await until(() => ran.length === 1)
    await workers.stop()
    const waitedMs = (ran[0] ?? 0) - addedAt
    assert.ok(waitedMs >= 990, `waited ${waitedMs} ms`)
  })

  test('never hold more jobs at once than they may', async () => {
    let [running, most, ended] = [0, 0, 0]
    const { promise: four, resolve: reachFour } = Promise.withResolvers<void>()
    const workers = work({ 'payment-enquire': async () => {
      most = Math.max(most, ++running)
      if (running === 4) reachFour()
      await four
      await wait(30)
      running--
      ended++
    } })
    for (let n = 0; n < 20; n++) await add(newId('payment', from))
    await until(() => ended === 20)
    await workers.stop()
    assert.equal(most, 4)
  })

  test('try a job again that failed, and keep of the failure only its code', async () => {
    const payment = newId('payment', from)
    const errors: unknown[] = []
    let tries = 0
    const workers = work({ 'payment-enquire': async () => {
      if (++tries < 2) throw new Error('a message with +46733123499 in it')
    } }, { errors })
    await add(payment)
    await until(async () => (await statesOf(payment)).join() === 'completed')
    await workers.stop()
    assert.equal(tries, 2)
    assert.equal(errors.length, 1)
    const rows = await database.asAdmin('SELECT count(*)::int AS n FROM pgboss.job WHERE output::text LIKE $1',
      ['%46733%'])
    assert.deepEqual(rows, [{ n: 0 }])
  })

  test('let the jobs in hand end when they stop, and take no other', async () => {
    let [begun, ended] = [0, 0]
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const workers = work({ 'payment-enquire': async () => {
      begun++
      await released
      ended++
    } })
    for (let n = 0; n < 12; n++) await add(newId('payment', from))
    await until(() => begun === 4)
    const stopped = workers.stop(60_000)
    release()
    await stopped
    assert.equal(begun, 4)
    assert.equal(ended, 4)
    const again = work({ 'payment-enquire': async () => void ended++ })
    await until(() => ended === 12)
    await again.stop()
  })

  test('abort a job that does not end in the grace', async () => {
    let [isBegun, isAborted] = [false, false]
    const workers = work({ 'payment-enquire': async (_, { signal }) => {
      isBegun = true
      await wait(60_000, undefined, { signal }).catch(() => {
        isAborted = true
      })
    } })
    await add(newId('payment', from))
    await until(() => isBegun)
    await workers.stop(100)
    assert.equal(isAborted, true)
  })

  test('take over the job of a worker that was killed', async () => {
    const payment = newId('payment', from)
    await add(payment)
    const { password, ...rest } = database.connection('ngome_dispatcher')
    const connection = password.expose((text) => JSON.stringify({ ...rest, password: text }))
    const child = spawn(process.execPath, ['--input-type=module', '-e', `
      import { openDatabase, startWorkers } from ${JSON.stringify(import.meta.resolve('../mod.ts'))}
      import { Secret } from '@ngome/kernel'
      const { password, ...rest } = JSON.parse(process.env.CONNECTION)
      const db = openDatabase({ ...rest, password: new Secret(password), applicationName: 'doomed', poolMax: 2 })
      startWorkers(db, { concurrency: 1, onError: () => undefined, handlers: {
        'payment-enquire': () => {
          console.log('holding')
          return new Promise((resolve) => setTimeout(resolve, 60_000))
        },
      } })
    `], {
      cwd: import.meta.dirname,
      env: { CONNECTION: connection },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    let isTakenOver = false
    const workers = work({ 'payment-enquire': async (data) => {
      if (data.payment === payment) isTakenOver = true
    } })
    // The queue's own end of a job that nobody ends comes after minutes.
    await until(() => isTakenOver)
    await workers.stop()
  })

  test('keep a job that takes longer than the lease', async () => {
    const payment = newId('payment', from)
    const leaseMs = 3_000
    let runs = 0
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const slow: JobHandlers = { 'payment-enquire': async () => {
      runs++
      await released
    } }
    const [one, other] = [work(slow, { leaseMs }), work(slow, { leaseMs })]
    await add(payment)
    const isPastLease = `SELECT 1 FROM pgboss.job WHERE data->>'payment' = $1 AND heartbeat_on > started_on + $2 * interval '1 ms'`
    await until(async () => runs > 1 || (await database.asAdmin(isPastLease, [payment, leaseMs])).length > 0)
    release()
    await until(async () => (await statesOf(payment)).join() === 'completed')
    await Promise.all([one.stop(), other.stop()])
    assert.equal(runs, 1)
  })

  test('let one tenant hold its share of the slots, and others go past it; nothing of its is lost', async () => {
    const slow = merchant.tenant
    const other = (await addTestMerchant(database)).tenant
    const running = new Map<string, number>()
    const [ended, most] = [{ slow: 0, other: 0 }, { slow: 0, other: 0 }]
    const release = new AbortController()
    const deliver: JobHandlers = { 'webhook-deliver': async ({ merchant: of }) => {
      const whose = of === slow.merchant ? 'slow' : 'other'
      running.set(whose, (running.get(whose) ?? 0) + 1)
      most[whose] = Math.max(most[whose], running.get(whose) ?? 0)
      if (whose === 'slow') await wait(600_000, undefined, { signal: release.signal }).catch(() => undefined)
      running.set(whose, (running.get(whose) ?? 0) - 1)
      ended[whose]++
    } }
    const deliveries = (tenant: typeof slow, count: number): Promise<void> => inTenant(dispatcher, tenant, async (tx) => {
      for (let n = 0; n < count; n++) await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: newId('webhookDelivery', from) })
    })
    await deliveries(slow, 100)
    const fetches = async (): Promise<number> => Number((await database.asAdmin(
      `SELECT xact_commit AS n FROM pg_stat_database WHERE datname = current_database()`))[0]?.['n'])
    const workers = startWorkers(dispatcher, { handlers: deliver, concurrency: 4, onError: () => undefined,
      bounds: { 'webhook-deliver': { concurrency: 8, perGroup: 2 } } })
    await until(() => running.get('slow') === 2)
    const before = await fetches()
    const addedAt = performance.now()
    await deliveries(other, 20)
    dispatcher.wake('webhook-deliver')
    await until(() => ended.other === 20)
    assert.deepEqual([most.slow, ended.slow], [2, 0])
    // The ninety-eight that have to wait ask nothing of the database: a look per poll, per wake and per job that ends; a worker that asked
    // again and again would ask hundreds of times a second.
    await wait(2_000)
    const transactionsMax = 120 + (performance.now() - addedAt) / 1_000 * 15
    assert.ok(await fetches() - before < transactionsMax, `${await fetches() - before} transactions`)
    release.abort()
    await until(() => ended.slow === 100)
    await workers.stop()
    assert.equal(most.slow, 2)
  })

  test('let one network hold its share of the slots, whoever\'s its payments are, and those of others go past it', async () => {
    const tenants = [merchant.tenant, (await addTestMerchant(database)).tenant]
    const [running, ended] = [new Map<string, number>(), new Map<string, number>()]
    const release = Promise.withResolvers<void>()
    const workers = startWorkers(dispatcher, {
      handlers: { 'payment-dispatch': async ({ network = '' }) => {
        running.set(network, (running.get(network) ?? 0) + 1)
        if (network === 'slow') await release.promise
        ended.set(network, (ended.get(network) ?? 0) + 1)
      } },
      concurrency: 1, onError: () => undefined, bounds: { 'payment-dispatch': { concurrency: 20, perGroup: 10 } },
    })
    const sent = (network: string, count: number): Promise<void[]> => Promise.all(tenants.map((tenant) => inTenant(dispatcher, tenant, async (tx) => {
      for (let n = 0; n < count; n++) await enqueue(tx, 'payment-dispatch', { ...tenant, payment: newId('payment', from), network })
    })))
    await sent('slow', 30)
    await until(() => running.get('slow') === 10)
    await sent('other', 30)
    await until(() => ended.get('other') === 60)
    assert.deepEqual([running.get('slow'), ended.get('slow')], [10, undefined])
    release.resolve()
    await until(() => ended.get('slow') === 60)
    await workers.stop()
  })

  test('refuse bounds of groups for a queue whose jobs are in none', () => {
    assert.throws(() => startWorkers(dispatcher, { handlers: { 'vault-index': async () => undefined }, concurrency: 1,
      onError: () => undefined, bounds: { 'vault-index': { concurrency: 2, perGroup: 1 } } }), TypeError)
  })

  test('tidy up with the dispatcher\'s rights: old jobs go, those that ran too long are tried again', async () => {
    const [old, stuck] = [newId('payment', from), newId('payment', from)]
    await add(old)
    await add(stuck)
    await database.asAdmin(`UPDATE pgboss.job SET state = 'completed', completed_on = now() - interval '2 hours'
      WHERE data->>'payment' = $1`, [old])
    await database.asAdmin(`UPDATE pgboss.job SET state = 'active', started_on = now() - interval '10 minutes'
      WHERE data->>'payment' = $1`, [stuck])
    const boss = bossFor(database.connection('ngome_dispatcher'), { supervise: false })
    const errors: unknown[] = []
    boss.on('error', (error) => errors.push(error))
    await boss.start()
    await boss.supervise()
    await boss.stop({ graceful: false })
    assert.deepEqual(errors, [])
    assert.deepEqual(await statesOf(old), [])
    assert.deepEqual(await statesOf(stuck), ['retry'])
  })
})
