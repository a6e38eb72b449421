import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certIdDigests, sha1, sha1Oid } from './cert-id-digests.ts'
import { oidHex } from './der.ts'

test('SHA-1, which names certificates, answers what FIPS 180-2 appendix A says', () => {
  const examples: readonly (readonly [string, string])[] = [
    ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
    ['a'.repeat(1_000_000), '34aa973cd4c4daa4f61eeb2bdbad27316534016f'],
  ]
  for (const [text, digest] of examples) assert.equal(sha1(Buffer.from(text)).toString('hex'), digest)
  assert.equal(certIdDigests[oidHex(sha1Oid)], sha1)
})

test('object identifiers are written as X.690 §8.19.5 and the standards of the digests write them', () => {
  assert.equal(oidHex('2.999.3'), '883703')
  assert.deepEqual(Object.keys(certIdDigests), ['2b0e03021a', '608648016503040201'])
})
