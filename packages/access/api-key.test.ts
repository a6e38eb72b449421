import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { newId, parseId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import fc from 'fast-check'
import { newApiKey, parseApiKey, withAnotherSecret } from './api-key.ts'
import { apiKeyVerifier } from './verifier.ts'

const from = { clock: systemClock, random: systemRandom }
/** As anybody can compute it: it is no secret. */
function withChecksum(body: string): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let [rest, sum] = [crc32(body), '']
  for (let at = 0; at < 6; at++, rest = Math.floor(rest / 62)) sum = digits.charAt(rest % 62) + sum
  return body + sum
}
const reveal = (secret: Secret<string>): string => secret.expose((text) => text)

const prefixes = [
  ['secret', 'test', 'ngome_sk_test_'], ['secret', 'live', 'ngome_sk_live_'],
  ['publishable', 'test', 'ngome_pk_test_'], ['publishable', 'live', 'ngome_pk_live_'],
] as const
for (const [kind, world, prefix] of prefixes) {
  test(`a new ${kind} key of the ${world} world begins with ${prefix} and parses back to its own id and digest`, () => {
    const key = newApiKey({ world, kind, ...from })
    assert.ok(reveal(key.text).startsWith(prefix))
    assert.deepEqual(parseApiKey(reveal(key.text)), { id: key.id, world, kind, digest: key.digest })
    assert.notEqual(parseId('apiKey', key.id), undefined)
  })
}

test('a key whose prefix says another kind or world is none, and with its checksum made anew is another key', () => {
  const text = reveal(newApiKey({ world: 'test', ...from }).text)
  for (const other of ['ngome_pk_test_', 'ngome_sk_live_', 'ngome_xk_test_', 'ngome_SK_test_']) {
    assert.equal(parseApiKey(text.replace('ngome_sk_test_', other)), undefined)
  }
  const forged = withChecksum(text.replace('ngome_sk_', 'ngome_pk_').slice(0, -6))
  const [own, other] = [parseApiKey(text), parseApiKey(forged)]
  assert.deepEqual([other?.kind, other?.id], ['publishable', own?.id])
  assert.notDeepEqual(other?.digest, own?.digest)
})

test('a key is 256 random bits behind its id: two keys share nothing but the frame', () => {
  const secrets = new Set(Array.from({ length: 256 }, () => reveal(newApiKey({ world: 'test', ...from }).text).slice(41, 84)))
  assert.equal(secrets.size, 256)
})

test('refuses every text in which one character was changed, added or removed', () => {
  const text = reveal(newApiKey({ world: 'test', ...from }).text)
  const alphabet = Array.from('abcXYZ019_- .\n\u00e9')
  for (let at = 0; at < text.length; at++) {
    for (const character of alphabet) {
      if (character !== text[at]) assert.equal(parseApiKey(text.slice(0, at) + character + text.slice(at + 1)), undefined)
      assert.equal(parseApiKey(text.slice(0, at) + character + text.slice(at)), undefined)
    }
    assert.equal(parseApiKey(text.slice(0, at) + text.slice(at + 1)), undefined)
  }
  assert.equal(parseApiKey(`${text}\n`), undefined)
})

test('never throws on any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseApiKey(text) === undefined))
})

test('a key does not print', () => {
  const key = newApiKey({ world: 'test', ...from })
  assert.equal(String(key.text), '[secret]')
  assert.throws(() => JSON.stringify(key), TypeError)
})

test('a verifier is bound to pepper, key id, merchant, world and digest', () => {
  const key = newApiKey({ world: 'test', ...from })
  const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  const pepper = new Secret(systemRandom.bytes(32))
  const own = Buffer.from(apiKeyVerifier(pepper, { ...key, tenant })).toString('hex')
  assert.equal(own, Buffer.from(apiKeyVerifier(pepper, { ...key, tenant })).toString('hex'))
  const others = [
    apiKeyVerifier(new Secret(systemRandom.bytes(32)), { ...key, tenant }),
    apiKeyVerifier(pepper, { ...key, id: newId('apiKey', from), tenant }),
    apiKeyVerifier(pepper, { ...key, tenant: { ...tenant, merchant: newId('merchant', from) } }),
    apiKeyVerifier(pepper, { ...key, tenant: { ...tenant, world: 'live' } }),
    apiKeyVerifier(pepper, { ...key, digest: newApiKey({ world: 'test', ...from }).digest, tenant }),
  ]
  for (const other of others) assert.notEqual(Buffer.from(other).toString('hex'), own)
})

test('a key with another secret is of the same id, and has another digest', () => {
  const key = newApiKey({ world: 'test', clock: systemClock, random: systemRandom })
  const other = parseApiKey(withAnotherSecret(key.text, systemRandom).expose((text) => text))
  assert.deepEqual([other?.id, other?.world, other?.kind], [key.id, key.world, key.kind])
  assert.notDeepEqual(other?.digest, key.digest)
})
