import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { ManualClock, systemClock } from './clock.ts'
import { idCreatedAtMs, idPattern, idPrefixes, newId, parseId, parsePaymentId, type IdKind } from './ids.ts'
import { systemRandom } from './random.ts'

const kinds = Object.keys(idPrefixes) as IdKind[]
const timesMs = fc.integer({ min: 0, max: 2 ** 48 - 1 })

suite('an id', () => {
  test('of each kind has a prefix of its own', () => {
    assert.ok(kinds.length >= 14)
    assert.equal(new Set(Object.values(idPrefixes)).size, kinds.length)
    for (const prefix of Object.values(idPrefixes)) assert.match(prefix, /^[a-z]{3}$/)
  })

  test('parses as its own kind and as no other', () => {
    fc.assert(fc.property(fc.constantFrom(...kinds), fc.constantFrom(...kinds), timesMs, (kind, other, nowMs) => {
      const id = newId(kind, { clock: new ManualClock(nowMs), random: systemRandom })
      assert.equal(id.length, 30)
      assert.equal(parseId(kind, id), id)
      assert.ok(idPattern(kind).test(id))
      assert.equal(parseId(other, id) !== undefined, kind === other)
    }))
  })

  test('tells when it was made', () => {
    fc.assert(fc.property(timesMs, (nowMs) => {
      assert.equal(idCreatedAtMs(newId('payment', { clock: new ManualClock(nowMs), random: systemRandom })), nowMs)
    }))
  })

  test('sorts as text by the time that it was made', () => {
    fc.assert(fc.property(timesMs, timesMs, (one, two) => {
      const [a, b] = [one, two].map((nowMs) => newId('payment', { clock: new ManualClock(nowMs), random: systemRandom }))
      if (a !== undefined && b !== undefined && one !== two) assert.equal(a < b, one < two)
    }))
  })

  test('is a UUID of version 7 in base 32: RFC 9562’s example, as the TypeID specification writes it', () => {
    // RFC 9562 appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F.
    const random = { bytes: () => Uint8Array.from(Buffer.from('7cc398c4dc0c0c07398f', 'hex')) }
    const id = newId('payment', { clock: new ManualClock(0x017f22e279b0), random })
    assert.equal(id, 'pay_01fwhe4ydgfk1shh6w1g60eecf')
  })

  test('does not repeat within one millisecond', () => {
    const from = { clock: new ManualClock(1), random: systemRandom }
    assert.equal(new Set(Array.from({ length: 1000 }, () => newId('event', from))).size, 1000)
  })

  const refused: readonly (readonly [string, string])[] = [
    ['nothing', ''], ['a bare prefix', 'pay_'], ['no prefix', '01fwhe4ydgfk1shh6w1g60eecf'],
    ['upper case', 'pay_01FWHE4YDGFK1SHH6W1G60EECF'], ['a letter that the alphabet leaves out', 'pay_01fwhe4ydgfk1shh6w1g60eeci'],
    ['more than 128 bits', 'pay_81fwhe4ydgfk1shh6w1g60eecf'], ['one character more', 'pay_01fwhe4ydgfk1shh6w1g60eecf0'],
    ['a line break', 'pay_01fwhe4ydgfk1shh6w1g60eecf\n'], ['a space before', ' pay_01fwhe4ydgfk1shh6w1g60eecf'],
    ['a digit of another script', 'pay_0１fwhe4ydgfk1shh6w1g60eecf'],
  ]
  for (const [what, text] of refused) test(`is not ${what}`, () => assert.equal(parseId('payment', text), undefined))

  test('is not made of fewer random bytes than it needs, which could be guessed', () => {
    for (const length of [0, 9, 11]) {
      const random = { bytes: () => new Uint8Array(length) }
      assert.throws(() => newId('payment', { clock: new ManualClock(1), random }), RangeError)
    }
  })

  test('is not made at a time that six bytes do not hold', () => {
    for (const nowMs of [-1, 2 ** 48]) {
      assert.throws(() => newId('payment', { clock: new ManualClock(nowMs), random: systemRandom }), RangeError)
    }
  })
})

test('a movement of money is a payment, a payout or a refund', () => {
  const from = { clock: systemClock, random: systemRandom }
  for (const kind of ['payment', 'payout', 'refund'] as const) {
    const id = newId(kind, from)
    assert.equal(parsePaymentId(id), id)
  }
  for (const text of ['', newId('merchant', from), 'pay_', newId('payout', from).toUpperCase()]) assert.equal(parsePaymentId(text), undefined)
})
