import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { watchSignals, type SignalHost } from './signals.ts'

function watch(hasTerminal = false): { host: EventEmitter; at: { ms: number }; signals: ReturnType<typeof watchSignals> } {
  const host = new EventEmitter()
  const at = { ms: 0 }
  return { host, at, signals: watchSignals(host as unknown as SignalHost, hasTerminal, () => at.ms) }
}

test('one Ctrl-C that npm and the bootstrap pass on is one, a later one is the second', () => {
  const { host, at, signals } = watch()
  host.emit('SIGINT')
  at.ms = 300
  host.emit('SIGINT')
  host.emit('SIGTERM')
  assert.deepEqual([signals.interrupted.aborted, signals.insisted.aborted], [true, false])
  at.ms = 1_000
  host.emit('SIGINT')
  assert.equal(signals.insisted.aborted, true)
})

test('the death of whoever started us is an interruption', () => {
  const { host, signals } = watch()
  host.emit('disconnect')
  assert.equal(signals.interrupted.aborted, true)
})

test('SIGHUP reloads where there is no terminal, and is its hang-up where there is one', () => {
  const daemon = watch()
  let reloads = 0
  daemon.signals.onReload(() => { reloads++ })
  daemon.host.emit('SIGHUP')
  assert.deepEqual([reloads, daemon.signals.interrupted.aborted], [1, false])
  const interactive = watch(true)
  interactive.signals.onReload(() => { reloads++ })
  interactive.host.emit('SIGHUP')
  assert.deepEqual([reloads, interactive.signals.interrupted.aborted], [1, true])
})
