import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { equalsInConstantTime, lengthPrefixed, parseBase64Url, parseLengthPrefixed, textsEqualInConstantTime, toBase64Url, wipeableBytes } from './bytes.ts'

const lists = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
const plain = (fields: readonly Uint8Array[]): number[][] => fields.map((field) => Array.from(field))

suite('a length-prefixed list', () => {
  test('is each field after its length in four bytes, with text in UTF-8 and numbers in eight bytes', () => {
    const bytes = lengthPrefixed('é', new Uint8Array([7]), 258, 2n ** 64n - 1n)
    assert.equal(Buffer.from(bytes).toString('hex'), '00000002c3a9000000010700000008000000000000010200000008ffffffffffffffff')
  })

  test('parses back to its fields, even from the middle of a larger buffer', () => {
    fc.assert(fc.property(lists, fc.nat(9), (fields, before) => {
      const framed = lengthPrefixed(...fields)
      const larger = new Uint8Array(framed.length + before + 5)
      larger.set(framed, before)
      assert.deepEqual(plain(parseLengthPrefixed(larger.subarray(before, before + framed.length)) ?? []), plain(fields))
    }))
  })

  test('is never the same for two different lists', () => {
    fc.assert(fc.property(lists, lists, (one, two) => {
      const isSame = JSON.stringify(plain(one)) === JSON.stringify(plain(two))
      assert.equal(Buffer.from(lengthPrefixed(...one)).equals(lengthPrefixed(...two)), isSame)
    }))
    assert.notDeepEqual(lengthPrefixed('ab', 'c'), lengthPrefixed('a', 'bc'))
    assert.notDeepEqual(lengthPrefixed(), lengthPrefixed(''))
  })

  test('that is cut, or goes on, does not parse; whatever parses writes back to the same bytes', () => {
    assert.equal(parseLengthPrefixed(new Uint8Array([0, 0, 0])), undefined)
    assert.equal(parseLengthPrefixed(new Uint8Array([0, 0, 0, 2, 1])), undefined)
    assert.deepEqual(parseLengthPrefixed(new Uint8Array()), [])
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const fields = parseLengthPrefixed(bytes)
      if (fields !== undefined) assert.deepEqual(Uint8Array.from(lengthPrefixed(...fields)), bytes)
    }))
  })

  test('refuses numbers that eight unsigned bytes do not hold', () => {
    for (const number of [-1, -1n, 1.5, Number.NaN, 2n ** 64n]) assert.throws(() => lengthPrefixed(number), RangeError)
  })

  test('refuses a field whose length four bytes do not hold', () => {
    const huge = Object.defineProperty(new Uint8Array(), 'length', { value: 2 ** 32 })
    assert.throws(() => lengthPrefixed(huge), RangeError)
  })
})

suite('base64url', () => {
  test('goes there and back', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.deepEqual(Uint8Array.from(parseBase64Url(toBase64Url(bytes)) ?? []), bytes)
    }))
  })

  test('is without padding, and keeps to its view of a larger buffer', () => {
    assert.equal(toBase64Url(new Uint8Array([0, 0xff, 0xfe, 0]).subarray(1, 3)), '__4')
  })

  const refused: readonly (readonly [string, string])[] = [
    ['padding', 'AA=='], ['the other alphabet', '+/+/'], ['white space', 'AA AA'], ['a line break', 'AAAA\n'],
    ['bits that no byte holds', 'AB'], ['a single character', 'A'], ['text outside ASCII', 'éé'],
  ]
  for (const [what, text] of refused) test(`refuses ${what}`, () => assert.equal(parseBase64Url(text), undefined))
})

suite('comparison in constant time', () => {
  test('is equality of bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (a, b) => {
      assert.equal(equalsInConstantTime(a, b), Buffer.from(a).equals(b))
      assert.ok(equalsInConstantTime(a, a.slice()))
    }))
  })

  test('of bytes of different lengths is false, not an error', () => {
    assert.equal(equalsInConstantTime(new Uint8Array(3), new Uint8Array(4)), false)
  })
})

test('bytes to be wiped are zeroes in memory of their own, which nothing moves', () => {
  const bytes = wipeableBytes(32)
  assert.equal(bytes.buffer.byteLength, 32)
  assert.ok(bytes.every((byte) => byte === 0))
})

test('texts compare like bytes, in a time that depends on the lengths only', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => {
    assert.equal(textsEqualInConstantTime(a, b), a === b)
    assert.ok(textsEqualInConstantTime(a, `${a}`) && !textsEqualInConstantTime(a, `${a}x`) && !textsEqualInConstantTime(`${a}x`, a))
  }))
})
