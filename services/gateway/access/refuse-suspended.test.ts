import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, newId, systemRandom, type Fault } from '@ngome/kernel'
import type { AuthenticatedCaller } from '../http/call.ts'
import { refuseSuspended, restrictionOf } from './refuse-suspended.ts'

const clock = new ManualClock(1_780_000_000_000)
const from = { clock, random: systemRandom }
const caller = (restriction?: 'demand_signed' | 'throttle' | 'suspend', endsInMs = 60_000): AuthenticatedCaller => ({
  tenant: { merchant: newId('merchant', from), world: 'test' }, apiKey: newId('apiKey', from), isVaultPlaintextAllowed: true,
  ...(restriction === undefined ? {} : { restriction: { restriction, endsAtMs: clock.nowMs() + endsInMs } }),
} as AuthenticatedCaller)

test('a suspended key is refused until its suspension ends', () => {
  const suspended = caller('suspend')
  assert.throws(() => refuseSuspended(clock)(suspended), (fault: Fault) => fault.code === 'access/key_suspended' && fault.row.status === 403)
  clock.advance(60_000)
  assert.doesNotThrow(() => refuseSuspended(clock)(suspended))
})

test('one that is restricted otherwise, or not at all, is not', () => {
  for (const one of [caller(), caller('throttle'), caller('demand_signed'), caller('suspend', 0)]) assert.doesNotThrow(() => refuseSuspended(clock)(one))
  assert.equal(restrictionOf(caller('throttle'), clock.nowMs()), 'throttle')
  assert.equal(restrictionOf(caller('throttle', -1), clock.nowMs()), null)
})
