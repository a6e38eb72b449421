import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '@ngome/kernel'
import { blindOnce } from './mod.ts'

const outer = new Secret(Buffer.alloc(32, 1))

test('blinds a value to 32 bytes, always the same', () => {
  const blinded = blindOnce(outer, '+256700000001')
  assert.equal(blinded.length, 32)
  assert.deepEqual(blinded, blindOnce(outer, '+256700000001'))
  // Length-prefixed label and value, in hex, by hand.
  const message = Buffer.from(`00000013${Buffer.from('ngome/blind-once/v1').toString('hex')}0000000d${Buffer.from('+256700000001').toString('hex')}`, 'hex')
  assert.deepEqual(blinded, createHmac('sha256', Buffer.alloc(32, 1)).update(message).digest())
})

test('blinds another value, or under another key, differently', () => {
  const blinded = Buffer.from(blindOnce(outer, '+256700000001'))
  assert.notDeepEqual(Buffer.from(blindOnce(outer, '+256700000002')), blinded)
  assert.notDeepEqual(Buffer.from(blindOnce(new Secret(Buffer.alloc(32, 2)), '+256700000001')), blinded)
})

test('refuses an empty value, whose index would find every record without one', () => {
  assert.throws(() => blindOnce(outer, ''), TypeError)
})
