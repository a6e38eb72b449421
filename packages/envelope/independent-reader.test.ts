import assert from 'node:assert/strict'
import {
  createCipheriv, createECDH, createHash, createPrivateKey, createPublicKey, decapsulate, diffieHellman, sign, webcrypto,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'

// A reader of the format, written from docs/envelope-format.md alone: nothing of the room is imported above the writers
// at the end, and the cryptography goes by other ways than the room's (HMAC from SHA, GCM from AES blocks, Web
// Cryptography's Ed25519, HPKE from its parts), so that one mistake cannot hide in both.

const refused = 'refused'

function must(condition: boolean): asserts condition {
  if (!condition) throw new Error(refused)
}

function readList(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength;) {
    must(bytes.byteLength - at >= 4)
    const length = view.getUint32(at)
    must(bytes.byteLength - at - 4 >= length)
    fields.push(bytes.slice(at + 4, at + 4 + length))
    at += 4 + length
  }
  return fields
}

function writeList(fields: readonly (string | number)[]): Uint8Array {
  const parts = fields.flatMap((field) => {
    const bytes = typeof field === 'string' ? new TextEncoder().encode(field) : bigEndian(BigInt(field), 8)
    return [bigEndian(BigInt(bytes.length), 4), bytes]
  })
  return join8(...parts)
}

function bigEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => Number(value >> BigInt(8 * (length - 1 - at)) & 0xffn))
}

function join8(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function text(bytes: Uint8Array): string {
  must(bytes.every((byte) => byte < 0x80))
  return new TextDecoder().decode(bytes)
}

function number(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => sum << 8n | BigInt(byte), 0n)
}

/** RFC 2104, from the hash. */
function hmac(hash: 'sha256' | 'sha512', key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(hash === 'sha256' ? 64 : 128)
  block.set(key.length > block.length ? digest(hash, key) : key)
  const inner = digest(hash, join8(block.map((byte) => byte ^ 0x36), message))
  return digest(hash, join8(block.map((byte) => byte ^ 0x5c), inner))
}

function digest(hash: string, message: Uint8Array, outputLength?: number): Uint8Array {
  const options = outputLength === undefined ? {} : { outputLength }
  return new Uint8Array(createHash(hash, options).update(message).digest())
}

/** AES-256-GCM by NIST SP 800-38D from single AES blocks, for a nonce of twelve bytes. */
function gcmOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array, tag: Uint8Array): Uint8Array {
  const encrypt = (block: Uint8Array): Uint8Array => new Uint8Array(createCipheriv('aes-256-ecb', key, null).update(block))
  const counter = (count: number): Uint8Array => encrypt(join8(nonce, bigEndian(BigInt(count), 4)))
  const h = number(encrypt(new Uint8Array(16)))
  const padded = (bytes: Uint8Array): Uint8Array => join8(bytes, new Uint8Array((16 - bytes.length % 16) % 16))
  const hashed = join8(
    padded(aad), padded(ciphertext), bigEndian(BigInt(aad.length * 8), 8), bigEndian(BigInt(ciphertext.length * 8), 8),
  )
  let sum = 0n
  for (let at = 0; at < hashed.length; at += 16) sum = gcmMultiply(sum ^ number(hashed.subarray(at, at + 16)), h)
  must(hex(bigEndian(sum ^ number(counter(1)), 16)) === hex(tag))
  const plaintext = ciphertext.slice()
  for (let at = 0; at < plaintext.length; at += 16) {
    const stream = counter(2 + at / 16)
    for (let index = at; index < Math.min(at + 16, plaintext.length); index++) {
      plaintext[index] = (plaintext[index] ?? 0) ^ (stream[index - at] ?? 0)
    }
  }
  return plaintext
}

function gcmMultiply(x: bigint, y: bigint): bigint {
  let product = 0n
  let shifted = y
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit & 1n) === 1n) product ^= shifted
    shifted = (shifted & 1n) === 1n ? shifted >> 1n ^ 0xe1n << 120n : shifted >> 1n
  }
  return product
}

async function isSigned(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): Promise<boolean> {
  const key = await webcrypto.subtle.importKey('raw', Uint8Array.from(publicKey), 'Ed25519', false, ['verify'])
  return webcrypto.subtle.verify('Ed25519', key, Uint8Array.from(signature), Uint8Array.from(message))
}

type Named = Readonly<Record<string, Uint8Array>>
/** What the page says of a suite; `decapsulate` gives each value on the way to the shared secret, which is the last. */
type ReaderSuite = {
  readonly byte: number
  readonly label: string
  readonly recordLabel: string
  readonly encBytes: number
  readonly publicKeyBytes: number
  readonly id: Uint8Array
  readonly decapsulate: (privateKey: Uint8Array, enc: Uint8Array) => Named & { readonly sharedSecret: Uint8Array }
  readonly publicHalf: (privateKey: Uint8Array) => Uint8Array
}
const readerSuites: readonly ReaderSuite[] = [
  {
    byte: 1, label: 'draft-ietf-hpke-pq-05/MLKEM768-X25519/HKDF-SHA-256/AES-256-GCM', recordLabel: 'HMAC-SHA-512/AES-256-GCM',
    encBytes: 1120, publicKeyBytes: 1216, id: Uint8Array.of(0x64, 0x7a, 0, 1, 0, 2),
    decapsulate: hybridDecapsulate, publicHalf: hybridPublicHalf,
  },
  {
    byte: 2, label: 'RFC9180/DHKEM-P256-HKDF-SHA-256/HKDF-SHA-256/AES-256-GCM', recordLabel: 'suite-2/HMAC-SHA-512/AES-256-GCM',
    encBytes: 65, publicKeyBytes: 65, id: Uint8Array.of(0, 0x10, 0, 1, 0, 2),
    decapsulate: p256Decapsulate, publicHalf: p256PublicHalf,
  },
]

function suiteOf(find: (one: ReaderSuite) => boolean): ReaderSuite {
  const found = readerSuites.find(find)
  must(found !== undefined)
  return found
}

const idOf = (prefix: string): RegExp => new RegExp(`^${prefix}_[0-7][0123456789abcdefghjkmnpqrstvwxyz]{25}$`)

type KeyHeader = { readonly tenant: readonly [string, string]; readonly retention: string; readonly period: bigint }

async function readStatement(bytes: Uint8Array, custodian: Uint8Array): Promise<KeyHeader & {
  readonly suite: ReaderSuite; readonly keyId: string; readonly notBefore: bigint; readonly notAfter: bigint; readonly publicKey: Uint8Array
}> {
  must(bytes.length > 64)
  const body = bytes.slice(0, -64)
  must(await isSigned(body, bytes.slice(-64), custodian))
  const fields = readList(body)
  must(fields.length === 10)
  const [format, suiteName, keyId, merchant, world, retention] = fields.slice(0, 6).map(text)
  const [period, notBefore, notAfter] = fields.slice(6, 9).map(number)
  const publicKey = fields[9]
  must(format === 'ngome/merchant-key-statement/v1')
  const named = suiteOf(({ label }) => label === suiteName)
  must(keyId !== undefined && idOf('mek').test(keyId) && merchant !== undefined && idOf('mer').test(merchant))
  must(world === 'test' || world === 'live')
  must(retention !== undefined && period !== undefined && publicKey?.length === named.publicKeyBytes)
  must(notBefore !== undefined && notAfter !== undefined && notBefore < notAfter)
  return { suite: named, keyId, tenant: [merchant, world], retention, period, notBefore, notAfter, publicKey }
}

/** @param named of the merchant key, as its statement says; the header has to say the same */
async function readSealedDataKey(
  named: ReaderSuite, sealed: Uint8Array, signer: Uint8Array, privateKey: Uint8Array,
): Promise<KeyHeader & {
  readonly id: string; readonly created: bigint; readonly merchantKeyId: string; readonly key: Uint8Array
}> {
  const tail = named.encBytes + 112
  must(sealed.length > tail)
  must(await isSigned(sealed.slice(0, -64), sealed.slice(-64), signer))
  const header = sealed.slice(0, -tail)
  const fields = readList(header)
  must(fields.length === 10 && header.length <= 1024)
  const [format, suiteName, id, merchant, world, retention] = fields.slice(0, 6).map(text)
  const [period, created] = fields.slice(6, 8).map(number)
  const [merchantKeyId, signerId] = fields.slice(8).map(text)
  must(format === 'ngome/data-key/v1' && suiteName === named.label)
  must(id !== undefined && idOf('dek').test(id) && merchant !== undefined && idOf('mer').test(merchant))
  must(merchantKeyId !== undefined && idOf('mek').test(merchantKeyId) && signerId !== undefined && idOf('sig').test(signerId))
  must((world === 'test' || world === 'live') && retention !== undefined && period !== undefined && created !== undefined)
  const { plaintext: key } = hpkeOpen(named, privateKey, sealed.slice(-tail, -112), sealed.slice(-112, -64), header)
  must(key.length === 32)
  return { id, tenant: [merchant, world], retention, period, created, merchantKeyId, key }
}

function merchantKeys(seed: Uint8Array): { mlkem: ReturnType<typeof createPrivateKey>; x25519: ReturnType<typeof createPrivateKey> } {
  const expanded = digest('shake256', seed, 96)
  return {
    mlkem: createPrivateKey({ key: Buffer.from(expanded.slice(0, 64)), format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' }),
    x25519: createPrivateKey({ key: Buffer.from(expanded.slice(64)), format: 'raw-private', asymmetricKeyType: 'x25519' }),
  }
}

function hybridPublicHalf(seed: Uint8Array): Uint8Array {
  const { mlkem, x25519 } = merchantKeys(seed)
  return join8(...[mlkem, x25519].map((key) => createPublicKey(key).export({ format: 'raw-public' })))
}

function hybridDecapsulate(seed: Uint8Array, enc: Uint8Array): Named & { readonly sharedSecret: Uint8Array } {
  const { mlkem, x25519 } = merchantKeys(seed)
  const theirs = enc.slice(1088)
  const publicKey = createPublicKey({ key: Buffer.from(theirs), format: 'raw-public', asymmetricKeyType: 'x25519' })
  const mlkemSharedSecret = new Uint8Array(decapsulate(mlkem, Buffer.from(enc.slice(0, 1088))))
  const x25519SharedSecret = new Uint8Array(diffieHellman({ privateKey: x25519, publicKey }))
  const sharedSecret = digest('sha3-256', join8(
    mlkemSharedSecret, x25519SharedSecret, theirs, hybridPublicHalf(seed).slice(1184),
    Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c),
  ))
  return { expandedSeed: digest('shake256', seed, 96), mlkemSharedSecret, x25519SharedSecret, sharedSecret }
}

const ascii = (words: string): Uint8Array => new TextEncoder().encode(words)
const none = new Uint8Array(0)

function extract(suiteId: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return hmac('sha256', salt, join8(ascii('HPKE-v1'), suiteId, ascii(label), ikm))
}

/** One block is enough: 32 bytes at most. */
function expand(suiteId: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  const labelled = join8(bigEndian(BigInt(length), 2), ascii('HPKE-v1'), suiteId, ascii(label), info, Uint8Array.of(1))
  return hmac('sha256', prk, labelled).slice(0, length)
}

function p256PublicHalf(scalar: Uint8Array): Uint8Array {
  const key = createECDH('prime256v1')
  key.setPrivateKey(scalar)
  return new Uint8Array(key.getPublicKey())
}

/** RFC 9180 §4.1, the receiver's side; the sender's is the same with the keys exchanged. */
function p256Secret(own: Uint8Array, theirs: Uint8Array, kemContext: Uint8Array): Named & { readonly sharedSecret: Uint8Array } {
  must(theirs.length === 65 && theirs[0] === 4)
  const key = createECDH('prime256v1')
  key.setPrivateKey(own)
  const dh = new Uint8Array(key.computeSecret(theirs))
  const suiteId = join8(ascii('KEM'), Uint8Array.of(0, 0x10))
  const eaePrk = extract(suiteId, none, 'eae_prk', dh)
  return { dh, kemContext, eaePrk, sharedSecret: expand(suiteId, eaePrk, 'shared_secret', kemContext, 32) }
}

function p256Decapsulate(scalar: Uint8Array, enc: Uint8Array): Named & { readonly sharedSecret: Uint8Array } {
  return p256Secret(scalar, enc, join8(enc, p256PublicHalf(scalar)))
}

type Schedule = Readonly<Record<'pskIdHash' | 'infoHash' | 'keyScheduleContext' | 'secret' | 'key' | 'nonce', Uint8Array>>

function schedule(named: ReaderSuite, sharedSecret: Uint8Array): Schedule {
  const suiteId = join8(ascii('HPKE'), named.id)
  const pskIdHash = extract(suiteId, none, 'psk_id_hash', none)
  const infoHash = extract(suiteId, none, 'info_hash', ascii('ngome/data-key/v1'))
  const keyScheduleContext = join8(Uint8Array.of(0), pskIdHash, infoHash)
  const secret = extract(suiteId, sharedSecret, 'secret', none)
  return {
    pskIdHash, infoHash, keyScheduleContext, secret,
    key: expand(suiteId, secret, 'key', keyScheduleContext, 32),
    nonce: expand(suiteId, secret, 'base_nonce', keyScheduleContext, 12),
  }
}

function hpkeOpen(
  named: ReaderSuite, privateKey: Uint8Array, enc: Uint8Array, wrapped: Uint8Array, aad: Uint8Array,
): { readonly plaintext: Uint8Array; readonly values: Named } {
  const kem = named.decapsulate(privateKey, enc)
  const values = schedule(named, kem.sharedSecret)
  const plaintext = gcmOpen(values.key, values.nonce, aad, wrapped.slice(0, 32), wrapped.slice(32))
  return { plaintext, values: { ...kem, ...values } }
}

type Where = {
  readonly world: string; readonly merchant: string; readonly table: string; readonly recordId: string
  readonly dataClass: string; readonly version: number
}

function contextOf(named: ReaderSuite, { world, merchant, table, recordId, dataClass, version }: Where): Uint8Array {
  return writeList(['ngome/record/v1', named.recordLabel, world, merchant, table, recordId, dataClass, version])
}

function readBlob(named: ReaderSuite, blob: Uint8Array): { id: string; salt: Uint8Array } {
  must(blob.length >= 112 && blob.length <= 65_648 && blob[0] === 1 && blob[1] === named.byte)
  const id = text(blob.slice(2, 32))
  must(idOf('dek').test(id))
  return { id, salt: blob.slice(32, 64) }
}

function openBlob(named: ReaderSuite, blob: Uint8Array, dataKey: Uint8Array, where: Where): Uint8Array {
  const derived = hmac('sha512', dataKey, join8(contextOf(named, where), readBlob(named, blob).salt))
  must(hex(derived.slice(32)) === hex(blob.slice(64, 96)))
  return gcmOpen(derived.slice(0, 32), new Uint8Array(12), blob.slice(0, 32), blob.slice(96, -16), blob.slice(-16))
}

type Lines = string | readonly string[]
type Example = Readonly<Record<
  'custodianPrivateKey' | 'custodianPublicKey' | 'signerPrivateKey' | 'signerPublicKey' | 'merchantPrivateKey' |
  'statement' | 'sealedDataKey' | 'dataKeyId' | 'dataKey' | 'context' | 'salt' | 'recordKey' | 'commitment' | 'plaintext' |
  'blob', Lines
>>
type Blind = { readonly blind: Readonly<Record<'outerKey' | 'value' | 'blinded', Lines>> }
type OnTheWay = Readonly<Record<string, Lines>>

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'envelope-format.md'), 'utf8')
const frozen = [...page.matchAll(/```json\n([\s\S]+?)\n```/g)].map(([, text]) => JSON.parse(text ?? '') as unknown)
assert.equal(frozen.length, 4)
const [example1, way1, example2, way2] = frozen as [Example & Blind, OnTheWay, Example, OnTheWay]
// Suite 1's page was frozen before it said these two; they are what gives its public keys.
const privateKeys1 = { custodianPrivateKey: way1['custodianPrivateKey'] ?? '', signerPrivateKey: way1['signerPrivateKey'] ?? '' }
const frozenExamples = [
  { named: suiteOf(({ byte }) => byte === 1), example: { ...example1, ...privateKeys1 }, way: way1 },
  { named: suiteOf(({ byte }) => byte === 2), example: example2, way: way2 },
]
const where: Where = {
  world: 'test', merchant: 'mer_01jgfhz8000000000000000001', table: 'payments',
  recordId: 'pay_01jgfhz8000000000000000004', dataClass: 'restricted', version: 1,
}

function fromHex(lines: Lines | undefined): Uint8Array {
  const joined = typeof lines === 'string' ? lines : lines?.join('') ?? ''
  assert.match(joined, /^([0-9a-f]{2})+$/)
  return Uint8Array.from(joined.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** Ed25519 gives one signature for one message and key (RFC 8032 §5.1.6), so that a writer can be held to its bytes. */
function signed(body: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'raw-private', asymmetricKeyType: 'ed25519' })
  return join8(body, new Uint8Array(sign(null, body, key)))
}

function gcmSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad)
  return join8(new Uint8Array(cipher.update(plaintext)), new Uint8Array(cipher.final()), new Uint8Array(cipher.getAuthTag()))
}

for (const { named, example, way } of frozenExamples) {
  const other = suiteOf(({ byte }) => byte !== named.byte)
  const [custodian, signer, merchant] = [example.custodianPublicKey, example.signerPublicKey, example.merchantPrivateKey].map(fromHex)
  assert.ok(custodian && signer && merchant)
  const sealed = fromHex(example.sealedDataKey)

  suite(`a reader written from docs/envelope-format.md alone, in suite ${named.byte}`, () => {
    test('reads the example’s statement', async () => {
      const statement = await readStatement(fromHex(example.statement), custodian)
      assert.equal(statement.suite, named)
      assert.equal(hex(statement.publicKey), hex(named.publicHalf(merchant)))
      assert.deepEqual(statement.tenant, [where.merchant, where.world])
      assert.equal(statement.period, 20_089n)
    })

    test('opens the example’s data key, whose header agrees with the statement', async () => {
      const statement = await readStatement(fromHex(example.statement), custodian)
      const dataKey = await readSealedDataKey(statement.suite, sealed, signer, merchant)
      assert.equal(hex(dataKey.key), hex(fromHex(example.dataKey)))
      assert.equal(dataKey.id, example.dataKeyId)
      assert.equal(dataKey.merchantKeyId, statement.keyId)
      assert.deepEqual([dataKey.tenant, dataKey.retention, dataKey.period], [statement.tenant, statement.retention, statement.period])
      assert.ok(dataKey.created >= statement.notBefore && dataKey.created < statement.notAfter)
    })

    test('comes by every value that the page gives on the way, and by no other', () => {
      const tail = named.encBytes + 112
      const { values } = hpkeOpen(named, merchant, sealed.slice(-tail, -112), sealed.slice(-112, -64), sealed.slice(0, -tail))
      const given = Object.entries(way).filter(([name]) => !name.endsWith('PrivateKey'))
      assert.deepEqual(Object.fromEntries(given.map(([name, lines]) => [name, hex(fromHex(lines))])),
        Object.fromEntries(Object.entries(values).map(([name, bytes]) => [name, hex(bytes)])))
    })

    test('opens the example’s blob, by the steps in between', () => {
      assert.equal(hex(contextOf(named, where)), hex(fromHex(example.context)))
      const derived = hmac('sha512', fromHex(example.dataKey), join8(fromHex(example.context), fromHex(example.salt)))
      assert.equal(hex(derived), hex(join8(fromHex(example.recordKey), fromHex(example.commitment))))
      assert.deepEqual(readBlob(named, fromHex(example.blob)), { id: example.dataKeyId, salt: fromHex(example.salt) })
      assert.equal(hex(openBlob(named, fromHex(example.blob), fromHex(example.dataKey), where)), hex(fromHex(example.plaintext)))
    })

    test('refuses the example with a bit flipped, in another row, and read as the other suite', async () => {
      const blob = fromHex(example.blob)
      for (let at = 0; at < blob.length; at++) {
        const flipped = blob.with(at, (blob[at] ?? 0) ^ 1)
        assert.throws(() => openBlob(named, flipped, fromHex(example.dataKey), where), { message: refused })
      }
      const elsewhere = { ...where, recordId: 'pay_01jgfhz8000000000000000005' }
      assert.throws(() => openBlob(named, blob, fromHex(example.dataKey), elsewhere), { message: refused })
      assert.throws(() => openBlob(other, blob, fromHex(example.dataKey), where), { message: refused })
      assert.throws(() => openBlob(other, blob.with(1, other.byte), fromHex(example.dataKey), where), { message: refused })
      const changed = sealed.with(100, (sealed[100] ?? 0) ^ 1)
      await assert.rejects(readSealedDataKey(named, changed, signer, merchant), { message: refused })
      await assert.rejects(readSealedDataKey(other, sealed, signer, merchant), { message: refused })
    })

    test('makes the example’s statement and blob anew, byte for byte, from its private keys', () => {
      const publicKey = named.publicHalf(merchant)
      const body = join8(writeList([
        'ngome/merchant-key-statement/v1', named.label, 'mek_01jgfhz8000000000000000002', where.merchant, 'test', 'payment',
        20_089, 0x1941f297c00, 0x194244fd800,
      ]), bigEndian(BigInt(publicKey.length), 4), publicKey)
      assert.equal(hex(signed(body, fromHex(example.custodianPrivateKey))), hex(fromHex(example.statement)))
      assert.equal(hex(signed(sealed.slice(0, -64), fromHex(example.signerPrivateKey))), hex(sealed))
      const prefix = join8(Uint8Array.of(1, named.byte), ascii(String(example.dataKeyId)))
      const [salt, key, commitment] = [example.salt, example.recordKey, example.commitment].map(fromHex)
      assert.ok(salt && key && commitment)
      const blob = join8(prefix, salt, commitment, gcmSeal(key, new Uint8Array(12), prefix, fromHex(example.plaintext)))
      assert.equal(hex(blob), hex(fromHex(example.blob)))
    })
  })
}

suite('the page’s further values', () => {
  test('suite 2’s data key is sealed anew, byte for byte, with the ephemeral key that the page gives', () => {
    const { named, example, way } = frozenExamples[1] ?? assert.fail('no example of suite 2')
    const sealed = fromHex(example.sealedDataKey)
    const header = sealed.slice(0, -named.encBytes - 112)
    const ephemeral = fromHex(way['ephemeralPrivateKey'])
    const enc = p256PublicHalf(ephemeral)
    const recipient = named.publicHalf(fromHex(example.merchantPrivateKey))
    const { key, nonce } = schedule(named, p256Secret(ephemeral, recipient, join8(enc, recipient)).sharedSecret)
    const body = join8(header, enc, gcmSeal(key, nonce, header, fromHex(example.dataKey)))
    assert.equal(hex(signed(body, fromHex(example.signerPrivateKey))), hex(sealed))
  })

  test('the examples’ blinded value is what the page computes', () => {
    const { outerKey, value, blinded } = example1.blind
    const message = writeList(['ngome/blind-once/v1', text(fromHex(value))])
    assert.equal(hex(hmac('sha256', fromHex(outerKey), message)), hex(fromHex(blinded)))
  })
})

suite('the room and the reader agree', async () => {
  // The writers, and what they need. Nothing above this line knows of them.
  const { newSealingParties } = await import('@ngome/testkit')
  const room = await import('./mod.ts')
  const { newId, Secret, systemClock, systemRandom } = await import('@ngome/kernel')
  const { createSecretKey } = await import('node:crypto')
  const raw = (key: ReturnType<typeof createPublicKey>): Uint8Array => new Uint8Array(key.export({ format: 'raw-public' }))

  for (const name of room.suiteNames) {
    test(`on what the room seals today in ${name}`, async () => {
      const parties = await newSealingParties(name)
      const privateKey = parties.merchantKey.privateKey.expose((bytes) => Uint8Array.from(bytes))
      const statement = await readStatement(room.signStatement(parties.statement, parties.custodian.privateKey), raw(parties.custodian.publicKey))
      assert.deepEqual([statement.suite.byte, statement.suite.label], [room.suites[name].number, room.suites[name].label])
      assert.equal(hex(statement.publicKey), hex(statement.suite.publicHalf(privateKey)))
      const dataKey = await readSealedDataKey(statement.suite, parties.dataKey.sealed, raw(parties.signer.publicKey), privateKey)
      assert.equal(dataKey.id, parties.dataKey.id)
      for (const length of [0, 1, 15, 16, 17, 200, 1000]) {
        const recordId = newId('payment', { clock: systemClock, random: systemRandom })
        const plaintext = systemRandom.bytes(length)
        const context = { tenant: parties.tenant, table: 'payments', recordId, dataClass: 'restricted', version: 7 } as const
        const blob = room.sealRecord(parties.dataKey, context, plaintext, systemRandom)
        const at = { ...parties.tenant, table: 'payments', recordId, dataClass: 'restricted', version: 7 }
        assert.equal(hex(openBlob(statement.suite, blob, dataKey.key, at)), hex(plaintext))
      }
    })
  }

  for (const { named, example } of frozenExamples) {
    test(`on the frozen example of suite ${named.byte}, which the room opens too`, async () => {
      const key = (lines: Lines): ReturnType<typeof createPublicKey> =>
        createPublicKey({ key: Buffer.from(fromHex(lines)), format: 'raw-public', asymmetricKeyType: 'ed25519' })
      const statement = room.verifyStatement(fromHex(example.statement), key(example.custodianPublicKey))
      const sealed = fromHex(example.sealedDataKey)
      const parts = room.parseSealedDataKey(sealed)
      assert.ok(parts && room.isSealedFor(parts, statement))
      const dataKey = await room.openSealedDataKey({
        sealed, suite: statement.suite, privateKey: new Secret(fromHex(example.merchantPrivateKey)),
        signerPublicKey: key(example.signerPublicKey),
      })
      assert.ok(dataKey.equals(createSecretKey(fromHex(example.dataKey))))
      const context = room.parseRecordContext(fromHex(example.context))
      assert.ok(context)
      assert.deepEqual([context.recordId, context.suite], [where.recordId, statement.suite])
      assert.equal(hex(room.encodeRecordContext(context, context.suite)), hex(fromHex(example.context)))
      const recordKey = room.deriveRecordKey(dataKey, fromHex(example.context), fromHex(example.salt))
      assert.equal(hex(room.openRecord(new Secret(recordKey), fromHex(example.blob))), hex(fromHex(example.plaintext)))
    })
  }

  test('on the blinded value of the page', () => {
    const { outerKey, value, blinded } = example1.blind
    assert.equal(hex(room.blindOnce(new Secret(fromHex(outerKey)), text(fromHex(value)))), hex(fromHex(blinded)))
  })
})
