import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { connectFrom } from '../testing/connect-from.ts'
import { EchoApi } from '../testing/echo-api.ts'
import { HandshakeLine } from './handshake-line.ts'
import { handshakesPerTurn } from './limits.ts'

class FakeSocket extends EventEmitter {
  destroyed = false
}

/** A line whose turns are the test's. */
function scene() {
  const begun: FakeSocket[] = []
  let end: (() => void) | undefined
  const line = new HandshakeLine<FakeSocket>(4, (socket) => begun.push(socket), (atEnd) => {
    assert.equal(end, undefined, 'it asks once for each turn')
    end = atEnd
  })
  const endTurn = (): void => {
    const ending = end
    end = undefined
    ending?.()
  }
  const come = (count: number) => Array.from({ length: count }, () => {
    const socket = new FakeSocket()
    line.add(socket)
    return socket
  })
  return { line, begun, endTurn, come, isAsked: () => end !== undefined }
}

test('so many begin in a turn, and the others in the turns after it, in the order in which they came', () => {
  const { line, begun, endTurn, come, isAsked } = scene()
  const first = come(10)
  assert.equal(begun.length, 4)
  endTurn()
  const late = come(1)
  assert.equal(begun.length, 8)
  endTurn()
  assert.deepEqual(begun, [...first, ...late])
  endTurn()
  assert.deepEqual([line.size, isAsked()], [0, false], 'nobody waits and nothing runs')
  come(5)
  assert.equal(begun.length, 15)
})

test('who left while he waited costs nobody his turn, and his end hurts nobody', () => {
  const { begun, endTurn, come } = scene()
  const sockets = come(9)
  for (const socket of sockets.slice(4, 8)) {
    socket.emit('error', new Error('reset'))
    socket.destroyed = true
  }
  endTurn()
  assert.deepEqual(begun, [...sockets.slice(0, 4), ...sockets.slice(8)])
})

test('of many that come at once with their hello all are served, though some are reset in the line', { timeout: 30_000 }, async (t) => {
  const api = await EchoApi.start()
  t.after(() => api.close())
  const answered = Array.from({ length: handshakesPerTurn * 12 }, (_, at) => new Promise<string>((resolve) => {
    const gone = connect({ host: '127.0.0.1', port: api.port }).on('error', () => undefined).once('connect', () => gone.write('\x16\x03\x01\x02\0', () => gone.resetAndDestroy()))
    const socket = connectFrom(api, `127.0.1.${at + 1}`)
    socket.once('secureConnect', () => socket.write('GET /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n\r\n'))
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes.toString('latin1', 9, 12))
      socket.destroy()
    }).once('close', () => resolve('closed'))
  }))
  assert.deepEqual(new Set(await Promise.all(answered)), new Set(['200']))
})
