import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManualClock, systemRandom, type Random } from '@ngome/kernel'
import { parseRetryAfterMs, pauseAfterTry, pauseWhileHeld } from './retry-schedule.ts'

const hourMs = 3_600_000
const settings = { attemptsMax: 32, firstRetryMs: 5_000, retryMaxMs: 12 * hourMs, retryForMs: 72 * hourMs }
const fixed = (byte: number): Random => ({ bytes: (length) => new Uint8Array(length).fill(byte) })
const [least, middle, most] = [fixed(0), fixed(0x80), fixed(0xff)]

describe('the schedule of retries', () => {
  const pause = (tries: number, random: Random, ageMs = 0): number | undefined => pauseAfterTry({ tries, ageMs }, settings, random)
  test('may wait three times longer from try to try, from five seconds to half a day', () => {
    assert.deepEqual([1, 2, 3, 4].map((tries) => pause(tries, most)), [5_000, 15_000, 45_000, 135_000])
    assert.equal(pause(12, most), 12 * hourMs)
    assert.equal(pause(31, most), 12 * hourMs)
  })
  test('has full jitter: any pause up to the bound is as likely as any other', () => {
    assert.deepEqual([pause(5, least), pause(5, most)], [0, 405_000])
    const pauses = Array.from({ length: 4_000 }, () => (pause(5, systemRandom) ?? 0) / 405_000)
    for (let part = 0; part < 10; part++) {
      const share = pauses.filter((one) => one >= part / 10 && one < (part + 1) / 10).length / pauses.length
      assert(Math.abs(share - 0.1) < 0.03, `${part}: ${share}`)
    }
  })
  test('goes on for three days and ends with a try at their end, whatever chance says', () => {
    for (let run = 0; run < 200; run++) {
      const clock = new ManualClock(1_800_000_000_000)
      const startedAtMs = clock.nowMs()
      let tries = 1
      for (let next = pause(tries, systemRandom); next !== undefined; next = pause(tries, systemRandom, clock.nowMs() - startedAtMs)) {
        clock.advance(next)
        tries++
      }
      assert.equal(clock.nowMs() - startedAtMs, 72 * hourMs)
      assert(tries > 8 && tries < 32, String(tries))
    }
  })
  test('ends after the last try', () => {
    assert.equal(pause(32, middle), undefined)
    assert.equal(pause(3, middle, 72 * hourMs), undefined)
  })
  test('waits as long as the endpoint asks for, within our own bound and the time that is left', () => {
    const asked = (retryAfterMs: number, changes: Partial<typeof settings> = {}, ageMs = 0) =>
      pauseAfterTry({ tries: 1, ageMs, retryAfterMs }, { ...settings, ...changes }, least)
    assert.equal(asked(60_000), 60_000)
    assert.equal(asked(60_000, { retryMaxMs: 30_000 }), 30_000)
    assert.equal(asked(hourMs, {}, 72 * hourMs - 1_000), 1_000)
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
