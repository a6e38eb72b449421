import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePorts, startTestCustodian, type TestCustodian } from '@ngome/testkit'
import type { Identity } from '../identity/identity.ts'
import { custodianClient, type CustodianClient } from './custodian-client.ts'
import { enrolmentPlacesOf, placesOf } from './post-to-custodian.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'ngome-pair-'))
let twin: TestCustodian
let dispatcher: Identity
let answered: string[] = []

before(async () => {
  twin = await startTestCustodian({
    dataDir,
    answers: {
      '/v1/secrets': () => {
        answered.push('/v1/secrets')
        return { secrets: [] }
      },
      '/v1/open': () => {
        answered.push('/v1/open')
        return { keys: [] }
      },
    },
  })
  dispatcher = await twin.enrol('dispatcher')
})
after(async () => {
  await twin.close()
  rmSync(dataDir, { recursive: true })
})

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return (server.address() as AddressInfo).port
}

/** A custodian that reads calls and then does this with the connection. */
function reading(answer: (socket: Socket) => void) {
  const { key, cert, ca } = twin.identity.secureContext()
  return createTlsServer({ key, cert, ca, minVersion: 'TLSv1.3', requestCert: true }, (socket) => {
    socket.on('error', () => undefined).once('data', () => answer(socket))
  })
}

const opening = { purpose: 'dispatch', dataKeys: ['AAAA'], records: [{ dataKey: 0, context: 'AAAA', salt: 'AAAA' }] } as const
const open = (client: CustodianClient, timeoutMs = 2_000) => client.call('/v1/open', { ...opening, dataKeys: [...opening.dataKeys], records: [...opening.records] }, { timeoutMs })
const ask = (client: CustodianClient) => client.call('/v1/secrets', { names: [] }, { timeoutMs: 2_000 })

/** Calls with this custodian first and its twin second. */
async function pair(port: number, call: (client: CustodianClient) => Promise<unknown>): Promise<unknown> {
  answered = []
  const client = custodianClient(dispatcher, {
    custodian: { host: '127.0.0.1', port, twin: { ...twin.config.custodian, host: '127.0.0.1' } },
  })
  try {
    return await call(client)
  } finally {
    client.close()
  }
}

test('a custodian whom no call reaches is passed over at once, for every operation, and from then on', async () => {
  const [port = 0] = await freePorts(1)
  await pair(port, async (client) => {
    assert.deepEqual(await open(client), { keys: [] })
    assert.deepEqual(await ask(client), { secrets: [] })
  })
  assert.deepEqual(answered, ['/v1/open', '/v1/secrets'])
})

test('a custodian that takes connections and says nothing is passed over long before the call\'s own time is over, and from then on', { timeout: 60_000 }, async () => {
  let connections = 0
  const silent = createTcpServer((socket) => {
    connections++
    socket.on('error', () => undefined)
  })
  await pair(await listen(silent), async (client) => {
    assert.deepEqual(await open(client, 300_000), { keys: [] })
    await open(client, 300_000)
  })
  assert.equal(connections, 1)
  silent.close()
})

const failures: readonly (readonly [string, (socket: Socket) => void])[] = [
  ['breaks off', (socket) => void socket.destroy()],
  ['says nothing', () => undefined],
]
for (const [name, answer] of failures) {
  test(`where a custodian that read the call ${name}, its twin is asked what may be done twice, and nothing else`, async () => {
    const server = reading(answer)
    const port = await listen(server)
    assert.deepEqual(await pair(port, ask), { secrets: [] })
    assert.deepEqual(answered, ['/v1/secrets'])
    await assert.rejects(pair(port, open), { code: 'custodian/unavailable' })
    assert.deepEqual(answered, [])
    server.close()
  })
}

test('where a custodian answers that it cannot, its twin is asked what may be done twice, and nothing else', async () => {
  const body = '{"type":"about:blank","title":"x","status":503,"code":"custodian/unavailable"}'
  const server = reading((socket) => void socket.end(
    `HTTP/1.1 503 x\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`))
  const port = await listen(server)
  assert.deepEqual(await pair(port, ask), { secrets: [] })
  await assert.rejects(pair(port, open), { code: 'custodian/unavailable' })
  assert.deepEqual(answered, [])
  server.close()
})

test('a kept connection that breaks under a call that counts does not send it twice', async () => {
  let calls = 0
  const { key, cert, ca } = twin.identity.secureContext()
  const server = createTlsServer({ key, cert, ca, minVersion: 'TLSv1.3', requestCert: true }, (socket) => {
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => {
      if (!chunk.toString().endsWith('}')) return
      if (++calls > 1) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"keys":[]}')
    })
  })
  await pair(await listen(server), async (client) => {
    await open(client)
    await assert.rejects(open(client), { code: 'custodian/unavailable' })
  })
  assert.deepEqual([calls, answered], [2, []])
  server.close()
})

test('where neither can be reached the call fails as unavailable', async () => {
  const [one = 0, other = 0] = await freePorts(2)
  const client = custodianClient(dispatcher, {
    custodian: { host: '127.0.0.1', port: one, twin: { host: '127.0.0.1', port: other, enrolmentPort: 1 } },
  })
  await assert.rejects(ask(client), { code: 'custodian/unavailable' })
  client.close()
})

test('a single custodian is one place, a pair two', () => {
  const custodian = { host: 'a', port: 1, enrolmentPort: 2 }
  assert.deepEqual(placesOf({ custodian }), [{ host: 'a', port: 1 }])
  const paired = { custodian: { ...custodian, twin: { host: 'b', port: 3, enrolmentPort: 4 } } }
  assert.deepEqual(placesOf(paired), [{ host: 'a', port: 1 }, { host: 'b', port: 3 }])
  assert.deepEqual(enrolmentPlacesOf(paired), [{ host: 'a', port: 2 }, { host: 'b', port: 4 }])
})
