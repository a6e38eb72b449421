import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId, systemClock, systemRandom, type Random } from '@ngome/kernel'
import type { Delivery } from '@ngome/store'
import { parseRetryAfterMs, pauseAfterTry, pauseWhileHeld } from './retry-schedule.ts'
import { webhookBody } from './webhook-body.ts'

const from = { clock: systemClock, random: systemRandom }
const settings = { attemptsMax: 10, firstRetryMs: 5_000, retryMaxMs: 86_400_000 }
const hourMs = 3_600_000
const fixed = (byte: number): Random => ({ bytes: (length) => new Uint8Array(length).fill(byte) })
const middle = fixed(127)

describe('the schedule of retries', () => {
  const pauses = Array.from({ length: 9 }, (_, at) => pauseAfterTry(at + 1, settings, middle) ?? 0)
  test('begins after five seconds and goes on for three days', () => {
    assert(Math.abs((pauses[0] ?? 0) - 5_000) < 50)
    const totalMs = pauses.reduce((sum, pause) => sum + pause, 0)
    assert(totalMs > 71 * hourMs && totalMs < 74 * hourMs, `${totalMs / hourMs} h`)
  })
  test('never gets shorter', () => {
    for (const [at, pause] of pauses.entries()) assert(pause >= (pauses[at - 1] ?? 0))
  })
  test('ends after the last try', () => { assert.equal(pauseAfterTry(10, settings, middle), undefined) })
  test('keeps its last pause where more tries are configured', () => {
    assert.equal(pauseAfterTry(12, { ...settings, attemptsMax: 20 }, middle), pauses[8])
  })
  test('spreads by a fifth to both sides', () => {
    assert.equal(pauseAfterTry(1, settings, fixed(0)), 4_000)
    assert.equal(pauseAfterTry(1, settings, fixed(255)), 6_000)
  })
  test('grants what the endpoint asks for, up to our own bound', () => {
    assert(Math.abs((pauseAfterTry(1, settings, middle, 60_000) ?? 0) - 60_000) < 500)
    assert(Math.abs((pauseAfterTry(1, { ...settings, retryMaxMs: 30_000 }, middle, 60_000) ?? 0) - 30_000) < 500)
  })
  for (const [header, ms] of [
    [undefined, 0], ['', 0], ['120', 120_000], ['-1', 0], ['1.5', 0], ['1e9', 0], ['9999999999', 0], ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
  ] as const) {
    test(`Retry-After "${header ?? ''}" asks for ${ms} ms`, () => { assert.equal(parseRetryAfterMs(header), ms) })
  }
})

describe('the schedule of what is held', () => {
  const whole = { firstRetryMs: 5_000, retryMaxMs: 86_400_000 }
  test('begins as a retry does, grows with what waits, and never exceeds an hour', () => {
    assert(Math.abs((pauseWhileHeld(0, whole, middle) ?? 0) - 5_000) < 50)
    assert(Math.abs((pauseWhileHeld(4 * hourMs / 10, whole, middle) ?? 0) - hourMs / 10) < 2_000)
    assert(Math.abs((pauseWhileHeld(71 * hourMs, whole, middle) ?? 0) - hourMs) < 20_000)
  })
  test('keeps within the configured bound', () => { assert((pauseWhileHeld(hourMs, { ...whole, retryMaxMs: 1_000 }, fixed(255)) ?? 0) <= 1_200) })
  test('ends after three days', () => { assert.equal(pauseWhileHeld(72 * hourMs, whole, middle), undefined) })
  test('looks at one delivery about a hundred times at most', () => {
    let [ageMs, looks] = [0, 0]
    for (let pause = pauseWhileHeld(0, whole, middle); pause !== undefined; pause = pauseWhileHeld(ageMs, whole, middle)) {
      ageMs += pause
      looks += 1
    }
    assert(looks < 120, String(looks))
  })
})

describe('the body of a webhook', () => {
  const delivery: Pick<Delivery, 'event' | 'payment'> = {
    event: { id: newId('event', from), type: 'payment.failed', atMs: 1_800_000_000_000 },
    payment: {
      id: newId('payment', from), tenant: { merchant: newId('merchant', from), world: 'test' }, status: 'failed',
      failure: 'payer_refused', network: 'mtn-sandbox', currency: 'UGX', direction: 'collection', amountMinor: 500n, feeMinor: 0n, original: null, reference: 'order-42',
      payerMasked: '+256•••456', createdAtMs: 1_800_000_000_000, updatedAtMs: 1_800_000_001_000,
    },
  }
  test('says what happened, when, and to which payment', () => {
    const body = JSON.parse(Buffer.from(webhookBody(delivery)).toString()) as { type: string; timestamp: string; data: Record<string, unknown> }
    assert.deepEqual([body.type, body.timestamp], ['payment.failed', '2027-01-15T08:00:00.000Z'])
    assert.deepEqual([body.data['amount'], body.data['failure'], body.data['payer']], ['500', { code: 'payer_refused' }, { phone: '+256•••456' }])
  })
  test('is the same bytes each time', () => { assert.deepEqual(webhookBody(delivery), webhookBody(delivery)) })
  test('holds nothing that the API does not show: a row that is not a payment does not pass', () => {
    assert.throws(() => webhookBody({ ...delivery, payment: { ...delivery.payment, status: 'paid' as 'failed' } }))
  })
})
