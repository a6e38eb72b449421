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

const work = (handlers: JobHandlers, errors: unknown[] = []) => startWorkers(dispatcher,
  { handlers, concurrency: 4, leaseMs: 900, onError: (error) => errors.push(error) })

const add = async (payment: PaymentId, startAfterMs = 0): Promise<void> => {
  await inTenant(dispatcher, merchant.tenant, (tx) =>
    enqueue(tx, 'payment-enquire', { ...merchant.tenant, payment }, { startAfterMs }))
  dispatcher.wake('payment-enquire')
}

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
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
  test('start the job of an accepted payment within milliseconds of its wake', async () => {
    const startedAt = new Map<string, number>()
    const workers = work({ 'payment-dispatch': async ({ payment }) => void startedAt.set(payment, performance.now()) })
    await wait(1_000)
    const delays: number[] = []
    for (let n = 0; n < 10; n++) {
      const acceptance = testAcceptance(merchant)
      await acceptPayment(gateway, acceptance)
      const acceptedAt = performance.now()
      await until(() => startedAt.has(acceptance.payment.id))
      delays.push((startedAt.get(acceptance.payment.id) ?? 0) - acceptedAt)
    }
    await workers.stop()
    // The poll alone would take 250 ms in the middle.
    assert.ok((delays.toSorted((a, b) => a - b)[5] ?? 0) < 100, `delays: ${delays.map(Math.round).join(' ')}`)
  })

  test('wait for the time of a job that is to wait', async () => {
    const ran: number[] = []
    const workers = work({ 'payment-enquire': async () => void ran.push(performance.now()) })
    await wait(300)
    const addedAt = performance.now()
    await add(newId('payment', from), 1_000)
    await until(() => ran.length === 1)
    await workers.stop()
    const waitedMs = (ran[0] ?? 0) - addedAt
    assert.ok(waitedMs >= 990 && waitedMs < 2_500, `waited ${waitedMs} ms`)
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
    } }, errors)
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
    const workers = work({ 'payment-enquire': async () => {
      begun++
      await wait(200)
      ended++
    } })
    for (let n = 0; n < 12; n++) await add(newId('payment', from))
    await until(() => begun === 4)
    await workers.stop()
    assert.equal(begun, 4)
    assert.equal(ended, 4)
    const again = work({ 'payment-enquire': async () => void ended++ })
    await until(() => ended === 12)
    await again.stop()
  })

  test('abort a job that does not end in the grace', async () => {
    let isAborted = false
    const workers = work({ 'payment-enquire': async (_, { signal }) => {
      await wait(60_000, undefined, { signal }).catch(() => {
        isAborted = true
      })
    } })
    await add(newId('payment', from))
    await wait(700)
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
    const killedAt = performance.now()
    let takenOverAt = 0
    const workers = work({ 'payment-enquire': async (data) => {
      if (data.payment === payment) takenOverAt = performance.now()
    } })
    await until(() => takenOverAt > 0)
    await workers.stop()
    assert.ok(takenOverAt - killedAt < 6_000, `taken over after ${takenOverAt - killedAt} ms`)
  })

  test('keep a job that takes longer than the lease', async () => {
    const payment = newId('payment', from)
    let runs = 0
    const slow: JobHandlers = { 'payment-enquire': async () => {
      runs++
      await wait(3_000)
    } }
    const [one, other] = [work(slow), work(slow)]
    await add(payment)
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
      if (whose === 'slow') await wait(60_000, undefined, { signal: release.signal }).catch(() => undefined)
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
    assert.ok(performance.now() - addedAt < 2_000, `waited ${performance.now() - addedAt} ms behind another's`)
    assert.deepEqual([most.slow, ended.slow], [2, 0])
    // The ninety-eight that have to wait ask nothing of the database: a look per poll, per wake and per job that ends.
    await wait(2_000)
    assert.ok(await fetches() - before < 150, `${await fetches() - before} transactions`)
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
