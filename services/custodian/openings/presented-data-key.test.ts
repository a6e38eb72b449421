import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toBase64Url } from '@ngome/kernel'
import { newSealingParties } from '@ngome/testkit'
import { parseDataKey, PresentedDataKeys } from './presented-data-key.ts'

const { dataKey } = await newSealingParties()

test('what was shown before is not read again, and says the same', () => {
  const presented = new PresentedDataKeys()
  const text = toBase64Url(dataKey.sealed)
  const first = presented.parse(text)
  assert.equal(presented.parse(Buffer.from(text).toString()), first)
  assert.deepEqual(first, parseDataKey(text))
})

test('another text is read by itself', () => {
  const presented = new PresentedDataKeys()
  const text = toBase64Url(dataKey.sealed)
  const { hash } = presented.parse(text)
  assert.throws(() => presented.parse(`${text}=`), { code: 'custodian/refused' })
  const sealed = Buffer.from(dataKey.sealed)
  sealed.writeUInt8(sealed.readUInt8(sealed.length - 1) ^ 1, sealed.length - 1)
  assert.notDeepEqual(presented.parse(toBase64Url(sealed)).hash, hash)
})

test('keeps a bounded number, and drops the first beyond', async () => {
  const presented = new PresentedDataKeys()
  const text = toBase64Url(dataKey.sealed)
  const first = presented.parse(text)
  // Another last byte is another signature: nothing here believes one yet.
  const sealed = Buffer.from(dataKey.sealed)
  const last = sealed.readUInt16BE(sealed.length - 2)
  for (let at = 1; at <= 1_024; at++) {
    sealed.writeUInt16BE(last ^ at, sealed.length - 2)
    presented.parse(toBase64Url(sealed))
  }
  assert.notEqual(presented.parse(text), first)
  assert.deepEqual(presented.parse(text), first)
})
