import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConnectionGate } from './connection-gate.ts'
import { ConnectionPace } from './connection-pace.ts'
import type { ConnectionRefusal, Defence, Misdeed } from './defence.ts'
import { connectionsPerAddressMax, newConnectionsBurst, newConnectionsPerS, pacedNetworksMax } from './limits.ts'

test('in no time does a network open more than its burst and its pace', () => {
  fc.assert(fc.property(fc.array(fc.nat(3_000), { maxLength: 40 }), (pauses) => {
    let nowMs = 0
    let opened = 0
    const pace = new ConnectionPace(() => nowMs)
    for (const pause of pauses) {
      nowMs += pause
      for (let at = 0; at < 700; at++) if (pace.take('192.0.2.1/32')) opened++
      pace.sweep()
    }
    assert.ok(opened <= newConnectionsBurst + nowMs * newConnectionsPerS / 1_000)
  }))
})

test('whoever invents networks pays for all of them out of one purse, and memory has a bound', () => {
  const pace = new ConnectionPace(() => 0)
  let opened = 0
  for (let at = 0; at < pacedNetworksMax + 5_000; at++) if (pace.take(`net${at}`)) opened++
  assert.equal(opened, pacedNetworksMax + newConnectionsBurst)
  assert.equal(pace.size, pacedNetworksMax)
})

test('networks whose purse is full again are forgotten', () => {
  let nowMs = 0
  const pace = new ConnectionPace(() => nowMs)
  pace.take('192.0.2.1/32')
  nowMs = 1_000
  pace.sweep()
  assert.equal(pace.size, 0)
})

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string
  isDestroyed = false

  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }

  destroy(): void {
    this.isDestroyed = true
  }
}

test('the gate refuses who is banned, who has too many and who is too fast, and says which', () => {
  const refused: ConnectionRefusal[] = []
  const misdeeds: Misdeed[] = []
  const defence: Defence = {
    isBanned: (address) => address === '192.0.2.66', isTrusted: (address) => address === '192.0.2.7',
    onMisdeed: (misdeed) => misdeeds.push(misdeed), onCut: () => undefined, onConnectionRefused: (why) => refused.push(why),
  }
  const gate = new ConnectionGate<FakeSocket>(defence, () => 0)
  const come = (address: string, count: number, isClosed: boolean): number => {
    let ended = 0
    for (let at = 0; at < count; at++) {
      const socket = new FakeSocket(address)
      if (gate.refuses(address) || !gate.take(socket)) socket.destroy()
      if (socket.isDestroyed) ended++
      else if (isClosed) socket.emit('close')
    }
    return ended
  }
  assert.equal(come('192.0.2.66', 3, true), 3)
  assert.equal(come('192.0.2.7', 2_000, true), 0, 'the operator vouches for it')
  assert.equal(come('192.0.2.7', connectionsPerAddressMax + 1, false), 1, 'but it holds no more than others')
  assert.equal(come('192.0.2.8', newConnectionsBurst + 2, true), 2)
  assert.deepEqual(refused, ['banned', 'banned', 'banned', 'too_many', 'too_fast', 'too_fast'])
  assert.deepEqual(misdeeds, ['too_many', 'too_fast', 'too_fast'], 'who is banned owes no more')
})
