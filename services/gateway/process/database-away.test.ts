import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemRandom } from '@ngome/kernel'
import type { Identity } from '@ngome/runtime'
import { createRoles, migrate } from '@ngome/store'
import { describeDatabase, startTestServer, testServer, type MerchantClient, type TestDatabase, type TestServer } from '@ngome/testkit'
import { leaseMs } from '../access/revocation-lease.ts'
import { callInternal } from '../testing/call-internal.ts'
import type { GatewayProcess } from '../testing/gateway-process.ts'
import { TestPlatform } from '../testing/test-platform.ts'

let server: TestServer
let database: TestDatabase
let platform: TestPlatform
let gateway: GatewayProcess
let client: MerchantClient
let operator: Identity

before(async () => {
  server = await testServer()
  database = describeDatabase(server, 'ngome')
  await createRoles(server.postgres.admin, 'ngome', server.passwords, systemRandom)
  await migrate(database.connection('ngome_migrator'))
  platform = await TestPlatform.create(database)
  assert.ok(platform.custodian)
  operator = await platform.custodian.enrol('operator')
  gateway = platform.startGateway({ hasChannel: false })
  client = platform.client()
  await until(async () => (await readyz()) === 200)
})
after(async () => {
  // First: what the set-up did not get to make must not keep a process of the platform alive.
  await platform.close()
  client.close()
  operator.stop()
  await server.postgres.stop().catch(() => undefined)
})

const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' }
const create = (idempotencyKey: string) => client.call({ method: 'POST', path: '/v1/payments', body: order, idempotencyKey })

async function readyz(): Promise<number> {
  return (await callInternal(operator, platform.folders.ports.internal, '/readyz')).status
}

const until = (isSo: () => Promise<boolean>): Promise<void> => gateway.untilSo('recovery', isSo, 25_000)

test('a gateway that stood still for longer than its lease lasts answers all who waited', async () => {
  assert.equal((await create('known')).status, 201)
  gateway.child.kill('SIGSTOP')
  const waiting = Array.from({ length: 6 }, (_, at) => at % 2 === 0 ? create(`still-${at}`) : client.call({ path: '/v1/payments' }))
  await sleep(leaseMs + 300)
  gateway.child.kill('SIGCONT')
  assert.deepEqual((await Promise.all(waiting)).map(({ status }) => status), [201, 200, 201, 200, 201, 200])
})

test('without its database the gateway answers 503 with Retry-After, says that it is not ready, and recovers by itself', async () => {
  assert.equal((await create('before')).status, 201)
  await server.postgres.stop()
  const refused = await create('while')
  assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1'], refused.text)
  assert.equal(await readyz(), 503)
  // The answer of the lease, whose end nothing in memory outlives.
  await sleep(2_100)
  const closed = await client.call({ path: '/v1/payments' })
  assert.deepEqual([closed.status, (JSON.parse(closed.text) as { code: string }).code], [503, 'access/lease_lost'])
  assert.equal(closed.headers['connection'], 'keep-alive', 'who waits for the database needs no handshake when it is back')
  assert.equal(closed.headers['strict-transport-security'], 'max-age=63072000; includeSubDomains')
  const again = await startTestServer(server)
  await until(async () => (await readyz()) === 200)
  await until(async () => (await create('while')).status === 201)
  assert.equal((await create('before')).headers['idempotent-replayed'], 'true')
  assert.equal(gateway.child.exitCode, null)
  await again.stop()
})
