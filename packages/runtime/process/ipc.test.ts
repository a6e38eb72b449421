import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { launcherChannel, parseLauncherMessage, parseProcessMessage, type IpcHost } from './ipc.ts'

type TestHost = EventEmitter & { connected: boolean; sent: unknown[] }

function testHost(): TestHost & IpcHost {
  const sent: unknown[] = []
  return Object.assign(new EventEmitter(), { connected: true, sent, send: (message: unknown) => sent.push(message) })
}

describe('the line to the launcher', () => {
  test('carries each message to the one who listens for it', () => {
    const host = testHost()
    const channel = launcherChannel(host)
    const heard: unknown[] = []
    channel.onDrain(() => heard.push('drain'))
    channel.onListen((socket) => heard.push(socket))
    channel.onBans((pipe) => heard.push(pipe))
    const pipe = new Socket()
    host.emit('message', { type: 'listen', fd: 3 })
    host.emit('message', { type: 'listen', fd: 3, bansFd: 5, challengesFd: 6 })
    host.emit('message', { type: 'drain' })
    host.emit('message', { type: 'listen' })
    host.emit('message', 'drain')
    host.emit('message', { type: 'bans' }, pipe)
    host.emit('message', { type: 'bans' })
    host.emit('message', { type: 'bans' }, { write: () => true })
    assert.deepEqual(heard, [{ fd: 3 }, { fd: 3, bansFd: 5, challengesFd: 6 }, 'drain', pipe])
    channel.tell({ type: 'ready' })
    assert.deepEqual(host.sent, [{ type: 'ready' }])
  })

  test('is silent where there is no launcher, or none any more', () => {
    const alone = new EventEmitter() as EventEmitter & IpcHost
    const channel = launcherChannel(alone)
    channel.onDrain(() => assert.fail('nobody sent this'))
    alone.emit('message', { type: 'drain' })
    channel.tell({ type: 'ready' })
    assert.equal(channel.isConnected, false)
    const host = testHost()
    const left = launcherChannel(host)
    host.connected = false
    left.tell({ type: 'drained' })
    assert.deepEqual(host.sent, [])
  })
})

describe('a message', () => {
  test('is read in its one form', () => {
    assert.deepEqual(parseLauncherMessage({ type: 'drain', more: 1 }), { type: 'drain' })
    assert.deepEqual(parseLauncherMessage({ type: 'listen', fd: 4 }), { type: 'listen', fd: 4 })
    assert.deepEqual(parseLauncherMessage({ type: 'listen', fd: 4, challengesFd: 6 }), { type: 'listen', fd: 4, challengesFd: 6 })
    assert.deepEqual(parseLauncherMessage({ type: 'listen', fd: 4, challengesFd: 2 }), { type: 'listen', fd: 4 })
    assert.deepEqual(parseProcessMessage({ type: 'ready' }), { type: 'ready' })
    assert.deepEqual(parseProcessMessage({ type: 'drained' }), { type: 'drained' })
    assert.deepEqual(parseProcessMessage({ type: 'starting' }), { type: 'starting' })
    const waiting = { type: 'waiting', reason: 'shares 1 of 3' }
    assert.deepEqual(parseProcessMessage(waiting), waiting)
    for (const reason of [undefined, 3, '', 'x'.repeat(201), 'clear \x1b[2J']) {
      assert.equal(parseProcessMessage({ type: 'waiting', reason }), undefined)
    }
    assert.equal(parseProcessMessage({ type: 'waiting' }), undefined)
  })

  test('that is none is refused', () => {
    for (const fd of [undefined, null, '3', 2, 0, -1, 3.5, Number.NaN]) assert.equal(parseLauncherMessage({ type: 'listen', fd }), undefined)
    fc.assert(fc.property(fc.anything(), (message) => {
      assert.equal(parseLauncherMessage(message), undefined)
      assert.equal(parseProcessMessage(message), undefined)
    }))
  })
})
