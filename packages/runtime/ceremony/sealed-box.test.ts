import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toBase64Url } from '@ngome/kernel'
import { newBoxKey, openBox, sealInBox } from './sealed-box.ts'

const share = Buffer.from('what a holder typed')

test('a box opens with its key, and twice the same bytes make two boxes', () => {
  const key = newBoxKey()
  const box = sealInBox(key.publicText, share)
  assert.deepEqual(Buffer.from(openBox(key, box) ?? []), share)
  assert.notEqual(box, sealInBox(key.publicText, share))
})

test('a box that was changed anywhere, cut, or is another\'s, does not open', () => {
  const key = newBoxKey()
  const box = Buffer.from(sealInBox(key.publicText, share), 'base64url')
  for (let at = 0; at < box.length; at++) {
    const changed = Buffer.from(box)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.equal(openBox(key, toBase64Url(changed)), undefined, `byte ${at}`)
  }
  for (const length of [0, 1, 32, 48, box.length - 1]) assert.equal(openBox(key, toBase64Url(box.subarray(0, length))), undefined)
  assert.equal(openBox(newBoxKey(), toBase64Url(box)), undefined)
  assert.equal(openBox(key, 'not base64url!'), undefined)
})

test('a point of low order makes no box and opens none', () => {
  const nought = toBase64Url(new Uint8Array(32))
  assert.throws(() => sealInBox(nought, share))
  assert.equal(openBox(newBoxKey(), toBase64Url(new Uint8Array(80))), undefined)
})
