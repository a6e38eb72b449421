import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Fault, newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import {
  addTestMerchant, describeDatabase, startTestServer, testAcceptance, testServer, type TestMerchant, type TestServer,
} from '@ngome/testkit'
import { openDatabase, type Database } from './database.ts'
import { migrate } from './migrate.ts'
import { acceptPayment } from './payments/accept-payment.ts'
import { findPayment } from './payments/find-payment.ts'
import { createRoles } from './roles.ts'
import { errorCode, guarded } from './store-fault.ts'

let server: TestServer
let gateway: Database
let merchant: TestMerchant
before(async () => {
  server = await testServer({ fsync: 'off' })
  await createRoles(server.postgres.admin, 'ngome', server.passwords, systemRandom)
  const database = describeDatabase(server, 'ngome')
  await migrate(database.connection('ngome_migrator'))
  merchant = await addTestMerchant(database)
  gateway = database.open('ngome_gateway')
})
after(async () => {
  await gateway.close()
  await server.postgres.stop()
})

const unavailable = (error: unknown): boolean => error instanceof Fault && error.code === 'store/unavailable'

describe('a database that is away', () => {
  test('is store/unavailable to every use before it is back, and is used again by itself when it is', { timeout: 60_000 }, async () => {
    const id = newId('payment', { clock: systemClock, random: systemRandom })
    await gateway.ping()
    await server.postgres.stop()
    const uses: readonly (() => Promise<unknown>)[] = [
      () => gateway.ping(),
      () => findPayment(gateway, merchant.tenant, id),
      () => acceptPayment(gateway, testAcceptance(merchant)),
    ]
    for (const use of uses) await assert.rejects(use(), unavailable)
    server = { ...server, postgres: await startTestServer(server, { fsync: 'off' }) }
    assert.deepEqual(await acceptPayment(gateway, testAcceptance(merchant)), { kind: 'accepted' })
  })

  test('that was killed under load ends no process', async () => {
    const refuse = (error: unknown): void => assert.ok(unavailable(error), inspect(error))
    const uses = Array.from({ length: 40 }, () => acceptPayment(gateway, testAcceptance(merchant)).catch(refuse))
    process.kill(server.postgres.pid, 'SIGKILL')
    await Promise.all(uses)
    await server.postgres.exited
    server = { ...server, postgres: await startTestServer(server, { fsync: 'off' }) }
    await gateway.ping()
  })

  test('that accepts connections and says nothing is away after two seconds', { timeout: 60_000 }, async () => {
    const silent: Server = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    const db = openDatabase({ ...gateway.connection, port, applicationName: 'test', poolMax: 1 })
    const startedAt = performance.now()
    await assert.rejects(db.ping(), unavailable)
    assert.ok(performance.now() - startedAt > 1_500)
    await db.close()
    silent.close()
  })

  test('that refuses the password is away, and the password is in no error', async () => {
    const password = new Secret('correct horse battery staple')
    const db = openDatabase({ ...gateway.connection, password, applicationName: 'test', poolMax: 1 })
    const shown = (value: unknown): string => inspect(value, { depth: 9, showHidden: true })
    await assert.rejects(db.ping(), (error) => unavailable(error) && !shown(error).includes('horse'))
    assert.ok(!shown(db).includes('horse'))
    await db.close()
  })
})

describe('an error of the database itself', () => {
  test('is a statement that takes longer than its caller allows', async () => {
    const db = openDatabase({ ...gateway.connection, applicationName: 'test', poolMax: 1, statementMsMax: 50 })
    await assert.rejects(guarded(() => db.pool.query('SELECT pg_sleep(30)')), unavailable)
    await db.close()
  })
  test('keeps its code and its constraint, and not the row that it refused', async () => {
    const acceptance = testAcceptance(merchant)
    const { payment } = acceptance
    const wrong = { ...acceptance, payment: { ...payment, payerMasked: '+46733123499' } }
    await assert.rejects(acceptPayment(gateway, wrong), (error) => {
      assert.equal(errorCode(error), '23514')
      assert.ok(!inspect(error, { depth: 9 }).includes('46733123499'))
      return true
    })
  })
})
