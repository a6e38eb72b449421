import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { test } from 'node:test'

/** RFC 7914 §12: password, salt, N, r, p, and 64 bytes. */
const vectors = [
  ['', '', 16, 1, 1, '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906'],
  ['password', 'NaCl', 1_024, 8, 16, 'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640'],
] as const

test('scrypt, of a PIN that was refused: vectors of RFC 7914 §12', () => {
  for (const [password, salt, N, r, p, expected] of vectors) {
    assert.equal(scryptSync(password, salt, 64, { N, r, p }).toString('hex'), expected)
  }
})
