import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import type { ServerResponse } from 'node:http'
import { noDefence } from '../testing/no-defence.ts'
import { pipelinedRequestsMax } from './limits.ts'
import { createPublicServer, type PublicServer } from './public-server.ts'

let server: PublicServer
let authority: TestAuthority
const open = new Set<ServerResponse>()
let inFlightMost = 0
let handled = 0

before(async () => {
  authority = await TestAuthority.create()
  const request = await newCertificateRequest('gateway')
  const certificate = { key: request.privateKey.expose((pem) => pem), cert: await authority.issue(request.csr, 'gateway') }
  server = createPublicServer(certificate, {
    hosts: ['localhost'], monotonicMs: () => performance.now(), onRefused: () => undefined, defence: noDefence,
    newRequestId: () => newId('request', { clock: systemClock, random: systemRandom }),
  }, (_request, response) => {
    open.add(response)
    handled++
    inFlightMost = Math.max(inFlightMost, open.size)
    response.once('close', () => open.delete(response))
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const get = 'GET /v1/payments HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function connected(): Promise<TLSSocket> {
  const { port } = server.address() as AddressInfo
  const socket = connect({ host: '127.0.0.1', port, ca: authority.pem, servername: 'localhost' })
  socket.on('error', () => undefined).resume()
  await new Promise<void>((resolve) => { socket.once('secureConnect', resolve) })
  return socket
}

const closed = (socket: TLSSocket): Promise<void> => new Promise((resolve) => { socket.once('close', () => resolve()) })

async function untilHandled(count: number): Promise<void> {
  while (handled < count) await new Promise((resolve) => { setTimeout(resolve, 5) })
}

test('of a connection one request is under way, as many as are allowed wait, and with one more it ends', { timeout: 10_000 }, async () => {
  const socket = await connected()
  socket.write(get.repeat(pipelinedRequestsMax))
  await untilHandled(1)
  await new Promise((resolve) => { setTimeout(resolve, 50) })
  assert.deepEqual([handled, open.size], [1, 1])
  socket.write(get)
  await closed(socket)
  assert.deepEqual([handled, inFlightMost], [1, 1], 'what waited is not looked at any more')
  open.clear()
})

test('requests that were answered do not count, and each is answered in its turn', { timeout: 10_000 }, async () => {
  const socket = await connected()
  const before_ = handled
  for (let count = 1; count <= 3 * pipelinedRequestsMax; count++) {
    if (count % pipelinedRequestsMax === 1) socket.write(get.repeat(pipelinedRequestsMax))
    await untilHandled(before_ + count)
    const [response] = open
    assert.ok(response)
    const answered = new Promise((resolve) => { response.once('close', resolve) })
    response.end()
    await answered
  }
  assert.deepEqual([socket.destroyed, handled, inFlightMost], [false, before_ + 3 * pipelinedRequestsMax, 1])
  socket.destroy()
})

test('what comes behind a request whose answer ends the connection is not looked at', { timeout: 10_000 }, async () => {
  const socket = await connected()
  const before_ = handled
  socket.write(`GET /v1/payments HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n${get.repeat(3)}`)
  await closed(socket)
  await new Promise((resolve) => { setTimeout(resolve, 50) })
  assert.equal(handled, before_)
})
