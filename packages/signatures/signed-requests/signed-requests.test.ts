import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { ManualClock, newId, systemRandom, type Tenant } from '@ngome/kernel'
import { defaultParameters, digestOf, rsaAttacks, signatureAttacks, signPss, signRaw, type SignatureAttack, type SignedRequest } from '@ngome/testkit'
import fc from 'fast-check'
import { messageAlgorithmOf, parsePublicKey } from '../http-messages/algorithms.ts'
import { isContentDigest } from '../http-messages/content-digest.ts'
import { isSignedBy, proveMerchantKey, signMerchantKey, type MerchantKey, type ProvenMerchantKey } from './merchant-key.ts'
import { coveredComponents } from './profile.ts'
import { readFields, readSignature } from './read-signature.ts'
import { signRequest } from './sign-request.ts'

const clock = new ManualClock(1_800_000_000_000)
const from = { clock, random: systemRandom }
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const custodian = generateKeyPairSync('ed25519')
const pairs = { ed25519: generateKeyPairSync('ed25519'), rsa: generateKeyPairSync('rsa', { modulusLength: 3_072 }) }

function keyOf(publicKey: KeyObject, change: Partial<MerchantKey> = {}): MerchantKey {
  const algorithm = publicKey.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'rsa-pss-sha512'
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return { id: newId('merchantSigningKey', from), tenant, algorithm, spki, uses: ['sign'], expiresAtMs: clock.nowMs() + 1, ...change }
}

function proven(publicKey: KeyObject, change: Partial<MerchantKey> = {}): ProvenMerchantKey {
  const key = keyOf(publicKey, change)
  return proveMerchantKey(key, signMerchantKey(key, custodian.privateKey), custodian.publicKey, clock.nowMs()) ?? assert.fail('not proven')
}

/** Everything that is checked without a database. */
async function isAccepted({ method, target, host, body, headers }: SignedRequest, key: ProvenMerchantKey): Promise<boolean> {
  const reading = readSignature({ method, target, host, field: (name) => headers[name] }, clock.nowMs())
  if (!reading.ok || reading.stated.keyId !== key.id) return false
  const digest = headers['content-digest']
  const isWhole = digest === undefined ? body === '' : isContentDigest(digest, Buffer.from(body))
  return isWhole && isSignedBy(key, reading.stated)
}

const body = '{"amount":"1000"}'
const plain: SignedRequest = {
  method: 'POST', target: '/v1/payments', host: 'api.example', body,
  headers: { 'content-type': 'application/json', 'content-digest': digestOf(body), 'idempotency-key': 'order-1', authorization: 'Bearer x' },
}
const createdS = clock.nowMs() / 1_000

for (const [name, { publicKey, privateKey }] of Object.entries(pairs)) {
  const key = proven(publicKey)
  const signer = { keyId: key.id, createdS, sign: name === 'rsa' ? signPss(privateKey) : (base: Uint8Array) => sign(null, base, privateKey) }
  const attacks: Record<string, SignatureAttack> = { ...signatureAttacks, ...(name === 'rsa' ? rsaAttacks(privateKey) : {}) }

  suite(`a request signed with ${name}`, () => {
    test('is accepted, with alg and without, to the edges of the clock, with both digests, and without a body', async () => {
      assert.ok(await isAccepted(signRaw(plain, signer), key))
      assert.ok(await isAccepted(signRaw(plain, { ...signer, parameters: `${defaultParameters(signer)};alg="${key.algorithm}"` }), key))
      assert.ok(await isAccepted(signRaw(plain, { ...signer, createdS: createdS - 300 }), key))
      assert.ok(await isAccepted(signRaw(plain, { ...signer, createdS: createdS + 300 }), key))
      const both = { ...plain, headers: { ...plain.headers, 'content-digest': `${digestOf(body)}, ${digestOf(body, 'sha-512')}` } }
      assert.ok(await isAccepted(signRaw(both, signer), key))
      assert.ok(await isAccepted(signRaw({ ...plain, method: 'GET', target: '/v1/payments?limit=2', body: '', headers: {} }, signer), key))
    })
    for (const [attack, make] of Object.entries(attacks)) {
      test(`is refused: ${attack}`, async () => {
        assert.ok(!await isAccepted(make({ request: plain, signer }), key))
      })
    }
    test('by our own signer is what the independent one makes, and is accepted', async () => {
      const headers = signRequest({ ...plain, body: Buffer.from(body), idempotencyKey: 'order-1' }, { keyId: key.id, privateKey, ...from })
      assert.ok(await isAccepted({ ...plain, headers: { ...plain.headers, ...headers } }, key))
    })
  })
}

test('the usual spelling is read as the parser reads it, whatever is changed in it', () => {
  const key = proven(pairs.ed25519.publicKey)
  const { headers } = signRaw(plain, { keyId: key.id, createdS, sign: (base) => sign(null, base, pairs.ed25519.privateKey) })
  const [input = '', signature = ''] = [headers['signature-input'], headers['signature']]
  const covered = coveredComponents((name) => headers[name])
  const spliced = (text: string) => fc.tuple(fc.nat(text.length), fc.nat(3), fc.constantFrom('', ' ', '0', '1', '-', '=', '"', ';', ':', '\\', ';alg="ed25519"', ';created=1', 'é', '\n', '+'))
    .map(([at, gone, put]) => text.slice(0, at) + put + text.slice(at + gone))
  fc.assert(fc.property(fc.oneof(fc.constant(input), spliced(input)), fc.oneof(fc.constant(signature), spliced(signature)), (one, other) => {
    const reading = readSignature({
      method: 'POST', target: '/v1/payments', host: 'api.example',
      field: (name) => name === 'signature-input' ? one : name === 'signature' ? other : headers[name],
    }, clock.nowMs())
    const fields = readFields(one, other, covered)
    if (typeof fields === 'string') return assert.ok(!reading.ok, `${one} ${other}`)
    if (!reading.ok) return assert.match(reading.reason, /^(?:created is not of now|keyid)$/)
    const { base: _, ...stated } = reading.stated
    return assert.deepEqual({ ...stated, signature: Buffer.from(stated.signature) }, { ...fields, signature: Buffer.from(fields.signature) })
  }), { numRuns: 3_000 })
})

test('any change of one character of what is sent is refused', async () => {
  const { publicKey, privateKey } = pairs.ed25519
  const key = proven(publicKey)
  const signed = signRaw(plain, { keyId: key.id, createdS, sign: (base) => sign(null, base, privateKey) })
  const parts = ['method', 'target', 'body', 'signature-input', 'signature', 'content-digest', 'idempotency-key'] as const
  await fc.assert(fc.asyncProperty(fc.constantFrom(...parts), fc.nat(), fc.integer({ min: 0x21, max: 0x7e }), async (part, at, code) => {
    const change = (text: string): string => text.slice(0, at % text.length) + String.fromCharCode(code) + text.slice(at % text.length + 1)
    const changed = part in signed ? { ...signed, [part]: change(signed[part as 'body']) }
      : { ...signed, headers: { ...signed.headers, [part]: change(signed.headers[part] ?? '') } }
    const isSame = JSON.stringify(changed) === JSON.stringify(signed)
    assert.equal(await isAccepted(changed, key), isSame)
  }), { numRuns: 400 })
})

suite('a merchant\'s key', () => {
  const key = keyOf(pairs.rsa.publicKey)
  const proof = signMerchantKey(key, custodian.privateKey)
  const other = generateKeyPairSync('rsa', { modulusLength: 3_072 })
  const changes: Record<string, Partial<MerchantKey>> = {
    'another id': { id: newId('merchantSigningKey', from) },
    'another merchant': { tenant: { ...tenant, merchant: newId('merchant', from) } },
    'the other world': { tenant: { ...tenant, world: 'live' } },
    'another key': { spki: other.publicKey.export({ format: 'der', type: 'spki' }) },
    'another algorithm': { algorithm: 'ed25519' },
    'another use': { uses: ['sign', 'encrypt'] },
    'another end': { expiresAtMs: clock.nowMs() + 2 },
  }
  test('counts as the custodian signed it, until its end', () => {
    assert.ok(proveMerchantKey(key, proof, custodian.publicKey, clock.nowMs()) !== undefined)
    assert.equal(proveMerchantKey(key, proof, custodian.publicKey, key.expiresAtMs), undefined)
    assert.equal(proveMerchantKey(key, proof, pairs.ed25519.publicKey, clock.nowMs()), undefined)
  })
  for (const [name, change] of Object.entries(changes)) {
    test(`with ${name} counts for nothing`, () => {
      assert.equal(proveMerchantKey({ ...key, ...change }, proof, custodian.publicKey, clock.nowMs()), undefined)
    })
  }
  test('that is weak counts for nothing, though the custodian had signed it', () => {
    const weak = [generateKeyPairSync('rsa', { modulusLength: 2_048 }), generateKeyPairSync('ec', { namedCurve: 'P-256' })]
    for (const { publicKey } of weak) {
      assert.equal(messageAlgorithmOf(publicKey), undefined)
      const row = keyOf(publicKey)
      assert.equal(proveMerchantKey(row, signMerchantKey(row, custodian.privateKey), custodian.publicKey, clock.nowMs()), undefined)
    }
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 3_072, publicExponent: 3 })
    assert.equal(messageAlgorithmOf(publicKey), undefined)
  })
  test('of Ed25519 only signs', () => {
    const row = keyOf(pairs.ed25519.publicKey, { uses: ['encrypt'] })
    assert.equal(proveMerchantKey(row, signMerchantKey(row, custodian.privateKey), custodian.publicKey, clock.nowMs()), undefined)
  })
  test('that is only to be encrypted to signs nothing', async () => {
    const only = proven(pairs.rsa.publicKey, { uses: ['encrypt'] })
    const signed = signRaw(plain, { keyId: only.id, createdS, sign: signPss(pairs.rsa.privateKey) })
    assert.ok(!await isAccepted(signed, only))
  })
  test('is read from exactly its bytes', () => {
    const { spki } = keyOf(pairs.ed25519.publicKey)
    assert.ok(parsePublicKey(spki) !== undefined)
    assert.equal(parsePublicKey(Buffer.concat([spki, Buffer.of(0)])), undefined)
    assert.equal(parsePublicKey(Buffer.from('no key')), undefined)
  })
})

test('the example of docs/signed-requests.md is what the code makes, byte for byte', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/signed-requests.md'), 'utf8')
  const [pem = '', request = '', base = '', headers = ''] = Array.from(text.split('## A worked example')[1]?.matchAll(/^```[a-z]*\n([\s\S]*?)\n```/gm) ?? [], ([, block = '']) => block)
  const [head = '', content = ''] = request.split('\n\n')
  const privateKey = createPrivateKey(pem)
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'mi').exec(`${head}\n${headers}`)?.[1] ?? assert.fail(`no ${name}`)
  const [, nonce = '', keyId = ''] = /nonce="([^"]*)";keyid="([^"]*)"/.exec(headers) ?? []
  const createdS = Number(/created=([0-9]+)/.exec(headers)?.[1])
  const [method = '', target = ''] = head.split(' ')
  const made = signRequest({
    method, target, host: field('host'), body: Buffer.from(content), idempotencyKey: field('idempotency-key'),
  }, { keyId: keyId as ProvenMerchantKey['id'], privateKey, clock: new ManualClock(createdS * 1_000), random: { bytes: () => Buffer.from(nonce, 'base64url') } })
  assert.deepEqual(made, { 'signature-input': field('signature-input'), signature: field('signature'), 'content-digest': field('content-digest') })
  const reading = readSignature({ method, target, host: field('host'), field: (name) => new RegExp(`^${name}: (.*)$`, 'mi').exec(`${head}\n${headers}`)?.[1] }, createdS * 1_000)
  assert.ok(reading.ok)
  assert.equal(Buffer.from(reading.stated.base).toString('latin1'), base)
  assert.deepEqual(createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }), `${/-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/.exec(text)?.[0].replaceAll(/^ +/gm, '')}\n`)
})
