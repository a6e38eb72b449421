import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import { systemClock, systemRandom, toBase64Url } from '@ngome/kernel'
import { createLogger, createMetrics, custodianClient, CustodianRefusal, internalServer, type CustodianClient, type RunningServer } from '@ngome/runtime'
import { TestGateway } from '../testing/test-gateway.ts'
import { callInternal } from '../testing/call-internal.ts'
import { selfTests } from './self-tests.ts'

let running: TestGateway
let custodian: CustodianClient
let internal: RunningServer

before(async () => {
  running = await TestGateway.start()
  custodian = custodianClient(running.identity, running.custodian.config)
  internal = await internalServer({
    identity: running.identity, host: '127.0.0.1', port: 0, clock: systemClock, random: systemRandom,
    logger: createLogger({ process: 'gateway', level: 'fatal' }), metrics: createMetrics({ process: 'gateway' }),
    selfTests: selfTests({ custodian, clock: systemClock, random: systemRandom }),
  })
})
after(async () => {
  await internal.close()
  custodian.close()
  await running.close()
})

const challenge = toBase64Url(systemRandom.bytes(32))

test('the gateway\u2019s own attempts to open and to index are refused by the custodian', async () => {
  const operator = await running.custodian.enrol('operator')
  for (const name of ['open', 'index']) {
    const answer = await callInternal(operator, internal.port, `/self-test/${name}`, { challenge })
    assert.deepEqual([answer.status, (answer.body as { outcome: string }).outcome], [200, 'refused'], answer.text)
  }
  operator.stop()
})

test('a custodian that would open is reported as such', async () => {
  const lax = { call: async () => ({}), close: () => undefined } as unknown as CustodianClient
  const tests = selfTests({ custodian: lax, clock: systemClock, random: systemRandom })
  assert.deepEqual(await tests['open']?.({ challenge }), { outcome: 'allowed' })
  const broken = { call: async () => { throw new TypeError('x') }, close: () => undefined } as unknown as CustodianClient
  await assert.rejects(async () => selfTests({ custodian: broken, clock: systemClock, random: systemRandom })['index']?.({ challenge }), TypeError)
  const signed = { statement: 's', signature: 'c2ln' }
  const strict = { call: async () => { throw new CustodianRefusal('no', { refusal: signed }) }, close: () => undefined } as unknown as CustodianClient
  assert.deepEqual(await selfTests({ custodian: strict, clock: systemClock, random: systemRandom })['open']?.({ challenge }), { outcome: 'refused', refusal: signed })
})

test('an attempt to connect outwards says what came of it', async () => {
  const listener: Server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const { port } = listener.address() as AddressInfo
  const egress = selfTests({ custodian, clock: systemClock, random: systemRandom })['egress']
  assert.deepEqual(await egress?.({ challenge, port }), { outcome: 'connected' })
  await new Promise((resolve) => listener.close(resolve))
  assert.deepEqual(await egress?.({ challenge, port }), { outcome: 'refused', code: 'ECONNREFUSED' })
  assert.deepEqual(await egress?.({ challenge }), { outcome: 'not_attempted' })
})

test('nobody but the operator starts a self-test', async () => {
  for (const role of ['dispatcher', 'gateway'] as const) {
    const identity = await running.custodian.enrol(role)
    assert.equal((await callInternal(identity, internal.port, '/self-test/open', { challenge })).status, 403)
    identity.stop()
  }
})
