import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom, seedFrom } from '@ngome/testkit'
import { systemRandom } from '@ngome/kernel'
import { parseShare } from './share-text.ts'
import { combineRoot, splitNewRoot } from './split-root.ts'

const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(Math.random() * 2 ** 31))

/** A product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, by the school's method (FIPS 197 §4.2). */
function times(one: number, other: number): number {
  let product = 0
  for (let bit = 0; bit < 8; bit++) {
    if ((other >> bit & 1) === 1) product ^= one << bit
  }
  for (let bit = 14; bit >= 8; bit--) if ((product >> bit & 1) === 1) product ^= 0x11b << (bit - 8)
  return product
}

/** The one element whose product with this is 1, by trying all. */
function inverse(element: number): number {
  for (let candidate = 1; candidate < 256; candidate++) if (times(element, candidate) === 1) return candidate
  throw new RangeError('0 has no inverse')
}

type Point = { readonly index: number; readonly value: Uint8Array }

/** The value at 0 of the polynomial through these points (Shamir 1979, by Lagrange's formula); subtraction is XOR here. */
function atZero(points: readonly Point[]): Buffer {
  const root = Buffer.alloc(points[0]?.value.length ?? 0)
  for (const { index, value } of points) {
    let factor = 1
    for (const other of points) {
      if (other.index !== index) factor = times(factor, times(other.index, inverse(other.index ^ index)))
    }
    for (const [at, byte] of value.entries()) root[at] = (root[at] ?? 0) ^ times(byte, factor)
  }
  return root
}

/** Shamir's scheme has no published vectors; this is another implementation, from the definition. */
test(`a root from its shares is what Shamir's definition gives, by whichever quorum (seed ${seed})`, async () => {
  const random = new SeededRandom(seed)
  for (const [shares, threshold] of [[3, 2], [5, 3], [7, 7]] as const) {
    const { texts } = await splitNewRoot(systemRandom, { shares, threshold })
    const points = texts.map((text): Point => {
      const parsed = parseShare(text)
      assert.ok(parsed.ok)
      return parsed.share
    })
    const quorum = points.toSorted(() => random.next() - 0.5).slice(0, threshold)
    const made = await combineRoot(quorum.map(({ index, value }) => Uint8Array.of(...value, index)))
    assert.deepEqual(Buffer.from(made), atZero(quorum))
    assert.notDeepEqual(Buffer.from(made), atZero(quorum.slice(1)))
  }
  assert.equal(times(0x57, 0x83), 0xc1, 'the example of FIPS 197 §4.2')
})
