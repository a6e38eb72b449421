import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fingerprintPrefix, indexGenerationsMax, parseFingerprint } from './fingerprints.ts'

test('a fingerprint says of which key it is, and reads back', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: indexGenerationsMax }), fc.uint8Array({ minLength: 16, maxLength: 16 }), (generation, bytes) => {
    const digest = Buffer.from(bytes).toString('base64url')
    assert.deepEqual(parseFingerprint(fingerprintPrefix(generation) + digest), { generation, digest })
  }))
  for (const generation of [0, -1, 1.5, 1000, Number.NaN]) assert.throws(() => fingerprintPrefix(generation), RangeError)
})

test('each fingerprint has one text, and nothing else is one', () => {
  const digest = 'A'.repeat(22)
  for (const text of [`fpr1_${digest}`, `fpr0_${digest}`, `fpr02_${digest}`, `fpr1000_${digest}`, `fpr_${digest}A`, `fpr_${digest.slice(1)}`, `fpr_${digest}\n`, digest]) {
    assert.equal(parseFingerprint(text), undefined, text)
  }
})
