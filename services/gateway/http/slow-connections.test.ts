import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { connectionSweepMs, dataRateMin, slowGraceMs, slowReadMs } from './limits.ts'
import { noRequests, SlowConnections, type Requests, type SlowKind } from './slow-connections.ts'

class FakeSocket extends EventEmitter {
  bytesRead = 0
  bytesWritten = 0
  writableLength = 0
  isDestroyed = false

  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }
}

function scene() {
  let nowMs = 0
  const cut: SlowKind[] = []
  const connections = new SlowConnections<FakeSocket>(() => nowMs, (kind) => cut.push(kind))
  const socket = new FakeSocket()
  const requests = noRequests()
  connections.watch(socket, requests)
  /** Lets time pass in sweeps; before each, something happens. */
  const pass = (ms: number, each: (at: number) => void = () => undefined): void => {
    for (let at = 0; at < ms && !socket.isDestroyed; at += connectionSweepMs) {
      nowMs += connectionSweepMs
      each(at)
      connections.sweep()
    }
  }
  const request = (parts: Partial<NonNullable<Requests['last']>> = {}): void => {
    requests.last = { complete: true, readableFlowing: true, startedAtMs: nowMs, ...parts }
    requests.bytesAtHead = socket.bytesRead
  }
  return { connections, socket, requests, cut, pass, request }
}

test('a connection that says nothing is Node\u2019s to end, not ours', () => {
  const { pass, cut } = scene()
  pass(60_000)
  assert.deepEqual(cut, [])
})

test('a head that comes a byte a second ends its connection after the grace', () => {
  const { socket, pass, cut } = scene()
  pass(slowGraceMs - connectionSweepMs, () => socket.bytesRead++)
  assert.deepEqual(cut, [])
  pass(connectionSweepMs * 2, () => socket.bytesRead++)
  assert.deepEqual(cut, ['head'])
  assert.equal(socket.isDestroyed, true)
})

test('a head that comes at the least rate is taken', () => {
  const { socket, pass, cut } = scene()
  pass(30_000, () => { socket.bytesRead += dataRateMin * connectionSweepMs / 1_000 })
  assert.deepEqual(cut, [])
})

test('a body that comes a byte a second ends its connection', () => {
  const { socket, pass, request, cut } = scene()
  socket.bytesRead = 400
  request({ complete: false })
  pass(slowGraceMs + connectionSweepMs, () => socket.bytesRead++)
  assert.deepEqual(cut, ['body'])
})

test('a body that nobody reads is not its sender\u2019s fault', () => {
  const { pass, request, cut } = scene()
  request({ complete: false, readableFlowing: null })
  pass(30_000)
  assert.deepEqual(cut, [])
})

test('what came before the end of a request is not the beginning of the next', () => {
  const { socket, pass, request, cut } = scene()
  for (let round = 0; round < 20; round++) {
    socket.bytesRead += 700
    request()
    pass(3_000)
  }
  assert.deepEqual(cut, [])
})

test('the next head is looked at like the first', () => {
  const { socket, pass, request, cut } = scene()
  request()
  pass(connectionSweepMs * 2)
  pass(slowGraceMs + connectionSweepMs, () => socket.bytesRead++)
  assert.deepEqual(cut, ['head'])
})

test('an answer of which the client takes nothing ends its connection; one that goes on does not', () => {
  const slow = scene()
  slow.socket.bytesWritten = slow.socket.writableLength = 90_000
  slow.pass(slowReadMs + connectionSweepMs * 2)
  assert.deepEqual(slow.cut, ['answer'])
  const steady = scene()
  steady.socket.bytesWritten = steady.socket.writableLength = 90_000
  steady.pass(60_000, () => { steady.socket.writableLength -= 1_000 })
  assert.deepEqual(steady.cut, [])
})

test('a connection that closed is forgotten', () => {
  const { connections, socket } = scene()
  socket.emit('close')
  assert.equal(connections.size, 0)
})
