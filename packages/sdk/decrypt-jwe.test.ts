import assert from 'node:assert/strict'
import { constants, createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { DecryptionError, decryptJwe } from './mod.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3_072 })
const strangers = generateKeyPairSync('rsa', { modulusLength: 3_072 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

type Changes = { header?: object | string; key?: Buffer; to?: KeyObject; hash?: string; iv?: Buffer }

/** RFC 7516 §5.1 on Node's own primitives: it shares nothing with what decrypts. */
function encrypt(text: string, { header = { alg: 'RSA-OAEP-256', enc: 'A256GCM' }, key = randomBytes(32), to = publicKey, hash = 'sha256', iv = randomBytes(12) }: Changes = {}): string {
  const protectedHeader = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)).toString('base64url')
  const wrapped = publicEncrypt({ key: to, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, key)
  const cipher = createCipheriv(key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm', key, iv).setAAD(Buffer.from(protectedHeader))
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()])
  return [protectedHeader, ...[wrapped, iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.')
}

/** One character of one part, changed to another of the alphabet. */
function changed(jwe: string, part: number): string {
  return jwe.split('.').map((text, at) => (at !== part ? text : (text.startsWith('A') ? 'B' : 'A') + text.slice(1))).join('.')
}

test('what was encrypted to the key is what it was, whatever it was', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 500 }), async (text) => {
    const clean = Buffer.from(text).toString()
    assert.equal(Buffer.from(await decryptJwe(encrypt(clean), pem)).toString(), clean)
  }), { numRuns: 20 })
  assert.equal(Buffer.from(await decryptJwe(encrypt('x', { header: { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'msk_1', cty: 'application/json' } }), pem)).toString(), 'x')
})

test('a CryptoKey decrypts as well, and one for something else is refused', async () => {
  const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  const key = await crypto.subtle.importKey('pkcs8', new Uint8Array(der), algorithm, false, ['decrypt'])
  assert.equal(Buffer.from(await decryptJwe(encrypt('x'), key)).toString(), 'x')
  const signer = await crypto.subtle.importKey('pkcs8', new Uint8Array(der), { name: 'RSA-PSS', hash: 'SHA-512' }, false, ['sign'])
  await assert.rejects(decryptJwe(encrypt('x'), signer), { code: 'sdk/configuration' })
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await assert.rejects(decryptJwe(encrypt('x'), ed25519), { code: 'sdk/configuration' })
})

suite('is refused, and all in the same words', () => {
  const header = (changes: object): Changes => ({ header: { alg: 'RSA-OAEP-256', enc: 'A256GCM', ...changes } })
  const attacks: readonly (readonly [string, () => string])[] = [
    ['another key\'s message', () => encrypt('x', { to: strangers.publicKey })],
    ['another padding', () => encrypt('x', { hash: 'sha1' })],
    ['a content key of another length', () => encrypt('x', { key: randomBytes(16) })],
    ['RSA 1.5', () => encrypt('x', header({ alg: 'RSA1_5' }))],
    ['a key that is agreed on directly', () => encrypt('x', header({ alg: 'dir' }))],
    ['no algorithm', () => encrypt('x', header({ alg: 'none' }))],
    ['another cipher', () => encrypt('x', header({ enc: 'A128CBC-HS256' }))],
    ['compression', () => encrypt('x', header({ zip: 'DEF' }))],
    ['a critical extension', () => encrypt('x', header({ crit: ['b64'] }))],
    ['a key in the header', () => encrypt('x', header({ jwk: {} }))],
    ['a header that is no object', () => encrypt('x', { header: '"RSA-OAEP-256"' })],
    ['a header of null', () => encrypt('x', { header: 'null' })],
    ['a header that is no JSON', () => encrypt('x', { header: '{' })],
    ['a header of any length', () => encrypt('x', header({ kid: 'k'.repeat(2_000) }))],
    ['another initialization vector\'s length', () => encrypt('x', { iv: randomBytes(16) })],
    ...[0, 1, 2, 3, 4].map((part) => [`a change in part ${part}`, () => changed(encrypt('xyz'), part)] as const),
    ['a tag that was cut', () => encrypt('x').slice(0, -3)],
    ['a part too many', () => `${encrypt('x')}.AA`],
    ['a part too few', () => encrypt('x').split('.').slice(0, 4).join('.')],
    ['padding of base64', () => encrypt('x').replace('.', '=.')],
    ['nothing', () => ''],
    ['far too long', () => 'A'.repeat(300_000)],
  ]
  for (const [what, jwe] of attacks) {
    test(what, async () => {
      await assert.rejects(decryptJwe(jwe(), pem), (error) => {
        assert.ok(error instanceof DecryptionError)
        assert.deepEqual([error.code, error.message, error.cause], ['sdk/decryption_refused', 'this is not a message that was encrypted to this key', undefined])
        return true
      })
    })
  }

  test('any text', async () => {
    await fc.assert(fc.asyncProperty(fc.string(), async (text) => {
      await assert.rejects(decryptJwe(text, pem), DecryptionError)
    }), { numRuns: 50 })
  })
})
