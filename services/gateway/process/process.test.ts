import assert from 'node:assert/strict'
import { Agent, request } from 'node:https'
import { BoundSocket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TestPlatform } from '../testing/test-platform.ts'
import type { GatewayProcess } from '../testing/gateway-process.ts'
import { testDatabase, type MerchantClient, type TestDatabase } from '@ngome/testkit'

let database: TestDatabase
let platform: TestPlatform

before(async () => {
  database = await testDatabase()
  platform = await TestPlatform.create(database)
})
after(async () => {
  await platform.close()
  await database.close()
})

const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' }

test('a gateway that starts without the custodian stays unready; one that runs goes on sealing without it', async () => {
  await platform.stopCustodian()
  const gateway = platform.startGateway({ hasChannel: false })
  const client = platform.client()
  await sleep(1_500)
  assert.equal(gateway.child.exitCode, null, gateway.output)
  await assert.rejects(client.call({ path: '/v1/payments' }), { code: 'ECONNREFUSED' })
  await platform.startCustodian()
  await untilAnswered(client, gateway)
  await platform.stopCustodian()
  const created = await client.call({ method: 'POST', path: '/v1/payments', body: order, idempotencyKey: 'without' })
  assert.equal(created.status, 201, created.text)
  client.close()
  gateway.child.kill('SIGTERM')
  assert.equal(await gateway.exited, 0, gateway.output)
  assert.doesNotMatch(gateway.output, /733123499|ngome_sk_test_0/)
  await platform.startCustodian()
})

async function untilAnswered(client: MerchantClient, gateway: GatewayProcess): Promise<void> {
  await gateway.untilSo('answer', async () => (await client.call({ path: '/v1/payments' })).status === 200, 15_000)
}

test('a gateway is replaced under load on kept connections without a failed request', async () => {
  const socket = new BoundSocket({ host: '127.0.0.1', port: 0 })
  const port = socket.address().port
  const first = platform.startGateway({ socketFd: socket.fd() })
  await first.until('ready')
  first.send({ type: 'listen', fd: 4 })
  const load = new Load(port)
  await load.untilAnswered(50)
  const second = platform.startGateway({ socketFd: socket.fd(), env: { NGOME_GATEWAY__INTERNAL_PORT: String(platform.folders.ports.internal + 1) } })
  await second.until('ready')
  second.send({ type: 'listen', fd: 4 })
  await sleep(300)
  first.send({ type: 'drain' })
  await first.until('drained')
  assert.equal(await first.exited, 0, first.output)
  await load.untilAnswered(load.answered + 200)
  await load.stop()
  assert.deepEqual(load.failures, [])
  assert.ok(load.lastOnes > 0, 'connections were told to end')
  socket.close()
  second.child.kill('SIGTERM')
  assert.equal(await second.exited, 0, second.output)
})

/** Clients that keep their connections, as an integrator's do, some of them mostly idle. */
class Load {
  answered = 0
  lastOnes = 0
  readonly failures: string[] = []
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8, ca: platform.custody.authority.pem, servername: 'localhost' })
  readonly #port: number
  readonly #loops: Promise<void>[]
  #isStopped = false

  constructor(port: number) {
    this.#port = port
    this.#loops = Array.from({ length: 8 }, (_, at) => this.#loop(at < 4 ? 1 : 700))
  }

  async untilAnswered(count: number): Promise<void> {
    for (let waitedMs = 0; this.answered < count; waitedMs += 20) {
      if (waitedMs > 20_000) throw new Error(`only ${this.answered} answers: ${this.failures.join(' ')}`)
      await sleep(20)
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#loops)
    this.#agent.destroy()
  }

  async #loop(pauseMs: number): Promise<void> {
    for (let count = 0; !this.#isStopped; count++) {
      await this.#once().catch((error: unknown) => this.failures.push(String(error)))
      await sleep(pauseMs)
    }
  }

  #once(): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        agent: this.#agent, host: '127.0.0.1', servername: 'localhost', port: this.#port, path: '/v1/payments?limit=1',
        headers: { authorization: `Bearer ${platform.key}` },
      }, (incoming) => {
        if (incoming.statusCode !== 200) this.failures.push(String(incoming.statusCode))
        if (incoming.headers.connection === 'close') this.lastOnes++
        this.answered++
        incoming.resume().once('end', resolve).once('error', reject)
      })
      outgoing.once('error', reject)
      outgoing.end()
    })
  }
}
