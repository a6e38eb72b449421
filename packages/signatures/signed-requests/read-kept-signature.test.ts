import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { readKeptSignature } from './read-kept-signature.ts'
import { readSignature } from './read-signature.ts'
import { signRequest } from './sign-request.ts'

const from = { clock: systemClock, random: systemRandom }
const { privateKey } = generateKeyPairSync('ed25519')
const keyId = newId('merchantSigningKey', from)
const atMs = systemClock.nowMs()

function kept(target = '/v1/payouts', idempotencyKey = 'order-42-a') {
  const request = { method: 'POST', host: 'pay.example', target, body: Buffer.from('{"a":1}'), idempotencyKey }
  const signed = new Map<string, string | undefined>([...Object.entries(signRequest(request, { keyId, privateKey, ...from })), ['idempotency-key', idempotencyKey]])
  const reading = readSignature({ ...request, field: (name) => signed.get(name) }, atMs)
  assert(reading.ok)
  return { base: Buffer.from(reading.stated.base), signature: reading.stated.signature, digest: signed.get('content-digest') }
}

for (const target of ['/v1/payouts', '/v1/payouts?a=1']) {
  test(`what is kept of a request to ${target} says what the request said`, () => {
    const { base, signature, digest } = kept(target)
    const reading = readKeptSignature({ base, signature }, atMs)
    assert(reading.ok)
    assert.deepEqual(reading.parts, { method: 'POST', target, contentDigest: digest, idempotencyKey: 'order-42-a' })
    assert.equal(reading.stated.keyId, keyId)
  })
}

describe('refuses a base', () => {
  const bent: readonly [string, (base: string) => string][] = [
    ['of another time', (base) => base.replace(/created=\d+/, 'created=1')],
    ['with a line twice', (base) => base.replace('"@method": POST\n', '"@method": POST\n"@method": POST\n')],
    ['in another order', (base) => base.replace(/("@method": POST\n)("@authority": .*\n)/, '$2$1')],
    ['without its authority', (base) => base.replace(/"@authority": .*\n/, '')],
    ['with a component that the profile does not have', (base) => `"@scheme": https\n${base}`],
    ['whose parameters cover less', (base) => base.replace(' "idempotency-key"', '')],
    ['in another spelling', (base) => base.replace(';created', '; created')],
    ['with another tag', (base) => base.replace('ngome-v1', 'ngome-v2')],
    ['with something behind it', (base) => `${base}\n`],
    ['of nothing', () => ''],
  ]
  for (const [name, bend] of bent) {
    test(name, () => {
      const { base, signature } = kept()
      const other = bend(base.toString('latin1'))
      assert.notEqual(other, base.toString('latin1'))
      assert.equal(readKeptSignature({ base: Buffer.from(other, 'latin1'), signature }, atMs).ok, false)
    })
  }
  test('that is any bytes, without a throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 80 }), (base, signature) => {
      assert.equal(readKeptSignature({ base, signature }, atMs).ok, false)
    }))
  })
  test('with any byte of it changed, or says that byte', () => {
    const { base, signature } = kept()
    fc.assert(fc.property(fc.nat({ max: base.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const other = Buffer.from(base)
      other[at] = (other[at] ?? 0) ^ change
      const reading = readKeptSignature({ base: other, signature }, atMs)
      // What it accepts it accepts as it is: the signature is over these bytes.
      if (reading.ok) assert.deepEqual(Buffer.from(reading.stated.base), other)
    }))
  })
})
