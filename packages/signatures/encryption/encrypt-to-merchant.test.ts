import assert from 'node:assert/strict'
import { constants, createDecipheriv, generateKeyPairSync, privateDecrypt, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { ManualClock, newId, systemRandom } from '@ngome/kernel'
import { proveMerchantKey, signMerchantKey, type MerchantKey, type MerchantKeyUse } from '../signed-requests/merchant-key.ts'
import { encryptToMerchant } from './encrypt-to-merchant.ts'

const from = { clock: new ManualClock(1_800_000_000_000), random: systemRandom }
const custodian = generateKeyPairSync('ed25519')
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 3_072 })

function proven(uses: readonly MerchantKeyUse[]) {
  const key: MerchantKey = {
    id: newId('merchantSigningKey', from), tenant: { merchant: newId('merchant', from), world: 'test' }, algorithm: 'rsa-pss-sha512',
    spki: publicKey.export({ format: 'der', type: 'spki' }), uses, expiresAtMs: from.clock.nowMs() + 1,
  }
  return proveMerchantKey(key, signMerchantKey(key, custodian.privateKey), custodian.publicKey, from.clock.nowMs()) ?? assert.fail()
}

/** As RFC 7516 §5.2 says, with node:crypto alone. */
function open(jwe: string, key: KeyObject): { readonly header: unknown; readonly content: string } {
  const [header = '', ...parts] = jwe.split('.')
  const [wrapped = Buffer.of(), iv = Buffer.of(), ciphertext = Buffer.of(), tag = Buffer.of()] = parts.map((part) => Buffer.from(part, 'base64url'))
  const cek = privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, wrapped)
  const decipher = createDecipheriv('aes-256-gcm', cek, iv).setAAD(Buffer.from(header, 'latin1')).setAuthTag(tag)
  return { header: JSON.parse(Buffer.from(header, 'base64url').toString()), content: Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString() }
}

test('what is encrypted to a merchant opens with its private key by other code, and says which key that is', async () => {
  const key = proven(['encrypt'])
  const jwe = await encryptToMerchant(key, Buffer.from('{"a":1}'))
  assert.deepEqual(open(jwe, privateKey), { header: { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: key.id, cty: 'application/json' }, content: '{"a":1}' })
  assert.notEqual(await encryptToMerchant(key, Buffer.from('{"a":1}')), jwe)
})

test('no other key opens it, and no changed part', async () => {
  const jwe = await encryptToMerchant(proven(['sign', 'encrypt']), Buffer.from('{"a":1}'))
  assert.throws(() => open(jwe, generateKeyPairSync('rsa', { modulusLength: 3_072 }).privateKey))
  const parts = jwe.split('.')
  for (const at of parts.keys()) {
    const part = parts[at] ?? ''
    const changed = parts.with(at, (part.startsWith('A') ? 'B' : 'A') + part.slice(1)).join('.')
    assert.throws(() => open(changed, privateKey), `part ${at}`)
  }
})

test('a key that only signs is not encrypted to', async () => {
  await assert.rejects(encryptToMerchant(proven(['sign']), Buffer.from('x')), TypeError)
})
