import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { networkOf } from '@ngome/access'
import { connectFrom } from '../testing/connect-from.ts'
import { TestGateway } from '../testing/test-gateway.ts'
import { connectionsPerAddressMax, handshakePatienceMs } from './limits.ts'
import { OpenConnections } from './open-connections.ts'
import { noRequests } from './slow-connections.ts'

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

class FakeSocket extends EventEmitter {
  isDestroyed = false
  readonly remoteAddress: string

  constructor(remoteAddress = '192.0.2.1') {
    super()
    this.remoteAddress = remoteAddress
  }

  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }
}

function scene(bounds: { readonly total: number; readonly perNetwork: number }) {
  const time = { nowMs: 0 }
  const open = new OpenConnections<FakeSocket>({ ...bounds, handshakeMs: handshakePatienceMs }, () => time.nowMs)
  /** So many connections of one network. @returns those that found a place, and what is asked on each whose handshake is over */
  const come = (network: string, count: number, isBegun = true) => Array.from({ length: count }, () => {
    const socket = new FakeSocket(network)
    if (!open.take(socket, network)) return undefined
    const requests = noRequests()
    if (isBegun) open.begin(socket, requests)
    return { socket, requests }
  }).filter((one) => one !== undefined)
  return { time, open, come }
}

test('addresses without connections are forgotten, and a refused connection frees no place', () => {
  const { open, come } = scene({ total: 9, perNetwork: 2 })
  const held = come('a', 3)
  assert.equal(held.length, 2)
  assert.equal(come('a', 1).length, 0)
  for (const { socket } of held) socket.emit('close')
  assert.deepEqual([open.size, open.networks], [0, 0])
})

test('a newcomer takes the place of a handshake that lies, the oldest first, and of no other', () => {
  const { time, come } = scene({ total: 4, perNetwork: 4 })
  const [served] = come('served', 1)
  const [oldest] = come('silent', 1, false)
  time.nowMs = handshakePatienceMs
  const [young] = come('young', 1, false)
  const [other] = come('other', 1)
  assert.equal(come('honest', 1).length, 1)
  assert.deepEqual([served, oldest, young, other].map((one) => one?.socket.isDestroyed), [false, true, false, false])
  assert.equal(come('late', 1).length, 0, 'the other handshake is young, and nobody has more than one place')
})

test('who has many gives to who has few, what is idle first, and what is being answered never', () => {
  const { come } = scene({ total: 8, perNetwork: 8 })
  const many = come('many', 6)
  const some = come('some', 2)
  for (const { requests } of many.slice(0, 5)) requests.open = 1
  assert.equal(come('honest', 1).length, 1)
  assert.deepEqual(many.map(({ socket }) => socket.isDestroyed), [false, false, false, false, false, true])
  assert.equal(come('next', 1).length, 1, 'of who has less, and yet more than the newcomer')
  assert.deepEqual(some.map(({ socket }) => socket.isDestroyed), [true, false])
  assert.equal(come('last', 1).length, 0)
  const [first] = many
  assert.ok(first)
  first.requests.last = { complete: false, startedAtMs: 0, readableFlowing: true }
  assert.equal(come('last', 1).length, 1, 'a body that is on its way still is not being answered')
  assert.equal(first.socket.isDestroyed, true)
})

test('however many connections of however many networks come, a network with fewer finds its place', () => {
  const { open, come } = scene({ total: 64, perNetwork: 16 })
  for (let round = 0; round < 20; round++) for (let at = 0; at < 15; at++) come(`attacker ${at}`, 16, round % 2 === 0)
  assert.equal(open.size, 64)
  assert.equal(come('honest', 3).length, 3)
  for (let round = 0; round < 20; round++) for (let at = 0; at < 15; at++) come(`attacker ${at}`, 16, round % 2 === 0)
  assert.deepEqual([open.size, open.countOf('honest')], [64, 3])
})

test('who may have none any more loses all, and nobody else any', () => {
  const { open, come } = scene({ total: 9, perNetwork: 9 })
  const [banned, other] = [come('192.0.2.66', 5), come('192.0.2.7', 2)]
  assert.equal(open.endWhere((address) => address === '192.0.2.66'), 5)
  assert.ok(banned.every(({ socket }) => socket.isDestroyed) && other.every(({ socket }) => !socket.isDestroyed))
  assert.equal(open.size, 2)
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

/** Whether the server ends a connection by itself, before it would end the handshake; one that it keeps is looked at for a while. */
function isRefused(socket: Socket, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), waitMs)
    socket.resume().on('error', () => undefined).once('close', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

test('one address has its share of the connections and no more; another is served meanwhile', { timeout: 30_000 }, async () => {
  const [mine, other] = ['127.0.0.2', '127.0.0.3']
  const held = await Promise.all(Array.from({ length: connectionsPerAddressMax }, () => opened(mine)))
  assert.equal(await isRefused(await opened(mine), 5_000), true)
  assert.equal(held.filter((socket) => socket.destroyed).length, 0)
  const free = await opened(other)
  assert.equal(await isRefused(free, 500), false)
  free.destroy()
  held.pop()?.destroy()
  let next = await opened(mine)
  for (let tries = 0; tries < 10 && await isRefused(next, 500); tries++) next = await opened(mine)
  assert.equal(next.destroyed, false)
  for (const socket of [...held, next]) socket.destroy()
})

test('what a handshake becomes is counted as the connection that it was', { timeout: 10_000 }, async (t) => {
  const [take, begin] = [t.mock.method(OpenConnections.prototype, 'take'), t.mock.method(OpenConnections.prototype, 'begin')]
  const socket = connectFrom({ port: running.port, ca: running.custody.authority.pem }, '127.0.0.4')
  await new Promise<void>((resolve) => { socket.once('secureConnect', () => resolve()) })
  while (begin.mock.callCount() === 0) await new Promise((resolve) => { setTimeout(resolve, 10) })
  assert.equal(begin.mock.calls[0]?.arguments[0], take.mock.calls[0]?.arguments[0])
  socket.destroy()
})
