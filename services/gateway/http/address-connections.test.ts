import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { networkOf } from '@ngome/access'
import { TestGateway } from '../testing/test-gateway.ts'
import { AddressConnections } from './address-connections.ts'
import { connectionsPerAddressMax } from './limits.ts'

const alike: readonly (readonly [string, string, boolean])[] = [
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['192.0.2.1', '::ffff:192.0.2.1', true],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
  ['2001:db8::1', '2001:db8:0:0:ffff:ffff:ffff:ffff', true],
  ['2001:db8::1', '2001:db8:0:1::1', false],
  ['fe80::1%eth0', 'fe80::2', true],
]
for (const [one, other, isAlike] of alike) {
  test(`${one} and ${other} count ${isAlike ? 'together' : 'apart'}`, () => {
    assert.equal(networkOf(one) === networkOf(other), isAlike)
  })
}

test('addresses without connections are forgotten, and a refused connection frees no place', () => {
  const counted = new AddressConnections(2)
  const sockets = Array.from({ length: 3 }, () => new EventEmitter())
  const network = '192.0.2.1/32'
  assert.deepEqual(sockets.map((socket) => counted.take(socket, network)), [true, true, false])
  sockets[2]?.emit('close')
  assert.equal(counted.take(new EventEmitter(), network), false)
  for (const socket of sockets.slice(0, 2)) socket.emit('close')
  assert.equal(counted.size, 0)
})

let running: TestGateway

before(async () => {
  running = await TestGateway.start()
})
after(() => running.close())

function opened(localAddress: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: running.port, localAddress })
    socket.once('error', reject).once('connect', () => resolve(socket))
  })
}

/** Whether the server ends a connection by itself, long before it would end the handshake. */
function isRefused(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 500)
    socket.resume().on('error', () => undefined).once('close', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

test('one address has its share of the connections and no more; another is served meanwhile', { timeout: 30_000 }, async () => {
  const [mine, other] = ['127.0.0.2', '127.0.0.3']
  const held = await Promise.all(Array.from({ length: connectionsPerAddressMax }, () => opened(mine)))
  assert.equal(await isRefused(await opened(mine)), true)
  assert.equal(held.filter((socket) => socket.destroyed).length, 0)
  const free = await opened(other)
  assert.equal(await isRefused(free), false)
  free.destroy()
  held.pop()?.destroy()
  await new Promise((resolve) => { setTimeout(resolve, 100) })
  const next = await opened(mine)
  assert.equal(await isRefused(next), false)
  for (const socket of [...held, next]) socket.destroy()
})
