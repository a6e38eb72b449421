import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { decryptForwardAnswer, encryptForwardAnswer, forwardAnswerKey } from './forward-answer.ts'

const from = { clock: systemClock, random: systemRandom }
const secret = new Secret(systemRandom.bytes(32))
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const id = newId('forward', from)
const key = forwardAnswerKey(secret, tenant, id)
const answer = Buffer.from('{"status":201}')
const blob = encryptForwardAnswer(key, tenant, id, answer, systemRandom) ?? new Uint8Array()

test('an answer is read with its own key, which can be made again', () => {
  assert.deepEqual(decryptForwardAnswer(forwardAnswerKey(secret, tenant, id), tenant, id, blob), answer)
  assert.equal(Buffer.from(blob).includes('201'), false)
})

test('another secret, tenant, world or forward reads nothing, and so does every changed byte', () => {
  const elsewhere = { merchant: newId('merchant', from), world: 'test' } as const
  assert.equal(decryptForwardAnswer(forwardAnswerKey(new Secret(systemRandom.bytes(32)), tenant, id), tenant, id, blob), undefined)
  for (const [of, as] of [[elsewhere, id], [{ ...tenant, world: 'live' as const }, id], [tenant, newId('forward', from)]] as const) {
    assert.equal(decryptForwardAnswer(forwardAnswerKey(secret, of, as), of, as, blob), undefined)
    assert.equal(decryptForwardAnswer(key, of, as, blob), undefined, 'the context alone')
  }
  for (let at = 0; at < blob.length; at++) {
    const changed = Uint8Array.from(blob)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.equal(decryptForwardAnswer(key, tenant, id, changed), undefined, String(at))
  }
  for (const length of [0, 1, 28, blob.length - 1]) assert.equal(decryptForwardAnswer(key, tenant, id, blob.subarray(0, length)), undefined)
})

test('a key of another length encrypts nothing', () => {
  assert.equal(encryptForwardAnswer(new Secret(new Uint8Array(16)), tenant, id, answer, systemRandom), undefined)
})
