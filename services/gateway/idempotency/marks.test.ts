import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { idempotencyMarks } from './marks.ts'

const from = { clock: systemClock, random: systemRandom }
const secret = new Secret(systemRandom.bytes(32))
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const request = { key: 'order-42', method: 'POST', path: '/v1/payments', bytes: Buffer.from('{"amount":"5.00"}') }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const own = idempotencyMarks(secret, tenant, request)

test('the same request has the same marks', () => {
  assert.deepEqual(idempotencyMarks(secret, { ...tenant }, { ...request, bytes: Buffer.from(request.bytes) }), own)
})

test('a key\u2019s mark is its tenant\u2019s and its own, whatever the body', () => {
  for (const [changed, of] of [[{ ...tenant, world: 'live' as const }, request], [{ ...tenant, merchant: newId('merchant', from) }, request],
    [tenant, { ...request, key: 'order-43' }]] as const) {
    assert.notEqual(hex(idempotencyMarks(secret, changed, of).keyHash), hex(own.keyHash))
  }
  assert.equal(hex(idempotencyMarks(secret, tenant, { ...request, bytes: Buffer.from('x') }).keyHash), hex(own.keyHash))
})

test('a fingerprint changes with method, path, every byte of the body, the key and the secret', () => {
  for (const changed of [{ ...request, method: 'PUT' }, { ...request, path: '/v1/payment' }, { ...request, key: 'order-43' },
    { ...request, bytes: Buffer.from('{"amount":"5.00"} ') }, { ...request, path: '/v1/payments{', bytes: request.bytes.subarray(1) }]) {
    assert.notEqual(hex(idempotencyMarks(secret, tenant, changed).fingerprint), hex(own.fingerprint))
  }
  const other = idempotencyMarks(new Secret(systemRandom.bytes(32)), tenant, request)
  assert.notEqual(hex(other.fingerprint), hex(own.fingerprint), 'a stolen database alone cannot test guesses')
})
