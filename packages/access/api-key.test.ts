import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId, parseId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import fc from 'fast-check'
import { newApiKey, parseApiKey } from './api-key.ts'
import { apiKeyVerifier } from './verifier.ts'

const from = { clock: systemClock, random: systemRandom }
const reveal = (secret: Secret<string>): string => secret.expose((text) => text)

test('a new key parses back to its own id, world and digest', () => {
  for (const world of ['test', 'live'] as const) {
    const key = newApiKey({ world, ...from })
    const parsed = parseApiKey(reveal(key.text))
    assert.deepEqual(parsed, { id: key.id, world, digest: key.digest })
    assert.notEqual(parseId('apiKey', key.id), undefined)
  }
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
