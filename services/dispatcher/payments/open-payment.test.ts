import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dispatchAgeMsMax } from '@ngome/contracts'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { purposeOfSendingAgain } from './open-payment.ts'

const dataKey = { id: newId('dataKey', { clock: systemClock, random: systemRandom }), sealed: new Uint8Array(), createdAtMs: 1_000 }

test('what is sent again is opened for dispatch while the custodian does so for sure, and as older work from then on', () => {
  const at = (ageMs: number): string => purposeOfSendingAgain({ dataKey }, dataKey.createdAtMs + ageMs)
  assert.deepEqual([0, dispatchAgeMsMax - 3_600_001].map(at), ['dispatch', 'dispatch'])
  assert.deepEqual([dispatchAgeMsMax - 3_600_000, dispatchAgeMsMax, 2 * dispatchAgeMsMax].map(at), ['enquiry', 'enquiry', 'enquiry'])
})
