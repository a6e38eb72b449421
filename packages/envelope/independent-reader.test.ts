import assert from 'node:assert/strict'
import {
  createCipheriv, createHash, createPrivateKey, createPublicKey, decapsulate, diffieHellman, webcrypto,
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

const hpkeSuiteName = 'draft-ietf-hpke-pq-05/MLKEM768-X25519/HKDF-SHA-256/AES-256-GCM'
const idOf = (prefix: string): RegExp => new RegExp(`^${prefix}_[0-7][0123456789abcdefghjkmnpqrstvwxyz]{25}$`)

type KeyHeader = { readonly tenant: readonly [string, string]; readonly retention: string; readonly period: bigint }

async function readStatement(bytes: Uint8Array, custodian: Uint8Array): Promise<KeyHeader & {
  readonly keyId: string; readonly notBefore: bigint; readonly notAfter: bigint; readonly publicKey: Uint8Array
}> {
  must(bytes.length > 64)
  const body = bytes.slice(0, -64)
  must(await isSigned(body, bytes.slice(-64), custodian))
  const fields = readList(body)
  must(fields.length === 10)
  const [format, suiteName, keyId, merchant, world, retention] = fields.slice(0, 6).map(text)
  const [period, notBefore, notAfter] = fields.slice(6, 9).map(number)
  const publicKey = fields[9]
  must(format === 'ngome/merchant-key-statement/v1' && suiteName === hpkeSuiteName)
  must(keyId !== undefined && idOf('mek').test(keyId) && merchant !== undefined && idOf('mer').test(merchant))
  must(world === 'test' || world === 'live')
  must(retention !== undefined && period !== undefined && publicKey?.length === 1216)
  must(notBefore !== undefined && notAfter !== undefined && notBefore < notAfter)
  return { keyId, tenant: [merchant, world], retention, period, notBefore, notAfter, publicKey }
}

async function readSealedDataKey(sealed: Uint8Array, signer: Uint8Array, seed: Uint8Array): Promise<KeyHeader & {
  readonly id: string; readonly created: bigint; readonly merchantKeyId: string; readonly key: Uint8Array
}> {
  must(sealed.length > 1232)
  must(await isSigned(sealed.slice(0, -64), sealed.slice(-64), signer))
  const header = sealed.slice(0, -1232)
  const fields = readList(header)
  must(fields.length === 10 && header.length <= 1024)
  const [format, suiteName, id, merchant, world, retention] = fields.slice(0, 6).map(text)
  const [period, created] = fields.slice(6, 8).map(number)
  const [merchantKeyId, signerId] = fields.slice(8).map(text)
  must(format === 'ngome/data-key/v1' && suiteName === hpkeSuiteName)
  must(id !== undefined && idOf('dek').test(id) && merchant !== undefined && idOf('mer').test(merchant))
  must(merchantKeyId !== undefined && idOf('mek').test(merchantKeyId) && signerId !== undefined && idOf('sig').test(signerId))
  must((world === 'test' || world === 'live') && retention !== undefined && period !== undefined && created !== undefined)
  const key = hpkeOpen(seed, sealed.slice(-1232, -112), sealed.slice(-112, -64), header)
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

function publicHalf(seed: Uint8Array): Uint8Array {
  const { mlkem, x25519 } = merchantKeys(seed)
  return join8(...[mlkem, x25519].map((key) => createPublicKey(key).export({ format: 'raw-public' })))
}

function hpkeOpen(seed: Uint8Array, enc: Uint8Array, wrapped: Uint8Array, aad: Uint8Array): Uint8Array {
  const { mlkem, x25519 } = merchantKeys(seed)
  const theirs = enc.slice(1088)
  const publicKey = createPublicKey({ key: Buffer.from(theirs), format: 'raw-public', asymmetricKeyType: 'x25519' })
  const shared = digest('sha3-256', join8(
    new Uint8Array(decapsulate(mlkem, Buffer.from(enc.slice(0, 1088)))),
    new Uint8Array(diffieHellman({ privateKey: x25519, publicKey })),
    theirs, publicHalf(seed).slice(1184), Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c),
  ))
  const ascii = (words: string): Uint8Array => new TextEncoder().encode(words)
  const suiteId = join8(ascii('HPKE'), Uint8Array.of(0x64, 0x7a, 0x00, 0x01, 0x00, 0x02))
  const none = new Uint8Array(0)
  const extract = (salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array =>
    hmac('sha256', salt, join8(ascii('HPKE-v1'), suiteId, ascii(label), ikm))
  const expand = (prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array =>
    hmac('sha256', prk, join8(bigEndian(BigInt(length), 2), ascii('HPKE-v1'), suiteId, ascii(label), info, Uint8Array.of(1)))
      .slice(0, length)
  const context = join8(Uint8Array.of(0), extract(none, 'psk_id_hash', none), extract(none, 'info_hash', ascii('ngome/data-key/v1')))
  const secret = extract(shared, 'secret', none)
  const key = expand(secret, 'key', context, 32)
  const nonce = expand(secret, 'base_nonce', context, 12)
  return gcmOpen(key, nonce, aad, wrapped.slice(0, 32), wrapped.slice(32))
}

type Where = {
  readonly world: string; readonly merchant: string; readonly table: string; readonly recordId: string
  readonly dataClass: string; readonly version: number
}

function contextOf({ world, merchant, table, recordId, dataClass, version }: Where): Uint8Array {
  return writeList(['ngome/record/v1', 'HMAC-SHA-512/AES-256-GCM', world, merchant, table, recordId, dataClass, version])
}

function readBlob(blob: Uint8Array): { id: string; salt: Uint8Array } {
  must(blob.length >= 112 && blob.length <= 65_648 && blob[0] === 1 && blob[1] === 1)
  const id = text(blob.slice(2, 32))
  must(idOf('dek').test(id))
  return { id, salt: blob.slice(32, 64) }
}

function openBlob(blob: Uint8Array, dataKey: Uint8Array, where: Where): Uint8Array {
  const derived = hmac('sha512', dataKey, join8(contextOf(where), readBlob(blob).salt))
  must(hex(derived.slice(32)) === hex(blob.slice(64, 96)))
  return gcmOpen(derived.slice(0, 32), new Uint8Array(12), blob.slice(0, 32), blob.slice(96, -16), blob.slice(-16))
}

type Lines = string | readonly string[]
type Example = Readonly<Record<
  'custodianPublicKey' | 'signerPublicKey' | 'merchantPrivateKey' | 'statement' | 'sealedDataKey' | 'dataKeyId' | 'dataKey' |
  'context' | 'salt' | 'recordKey' | 'commitment' | 'plaintext' | 'blob', Lines
>> & { readonly blind: Readonly<Record<'outerKey' | 'value' | 'blinded', Lines>> }

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'envelope-format.md'), 'utf8')
const example = JSON.parse(/```json\n([\s\S]+?)\n```/.exec(page)?.[1] ?? '') as Example
const where: Where = {
  world: 'test', merchant: 'mer_01jgfhz8000000000000000001', table: 'payments',
  recordId: 'pay_01jgfhz8000000000000000004', dataClass: 'restricted', version: 1,
}

function fromHex(lines: Lines): Uint8Array {
  const joined = typeof lines === 'string' ? lines : lines.join('')
  assert.match(joined, /^([0-9a-f]{2})+$/)
  return Uint8Array.from(joined.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

suite('a reader written from docs/envelope-format.md alone', () => {
  test('reads the example’s statement', async () => {
    const statement = await readStatement(fromHex(example.statement), fromHex(example.custodianPublicKey))
    assert.equal(hex(statement.publicKey), hex(publicHalf(fromHex(example.merchantPrivateKey))))
    assert.deepEqual(statement.tenant, [where.merchant, where.world])
    assert.equal(statement.period, 20_089n)
  })

  test('opens the example’s data key, whose header agrees with the statement', async () => {
    const statement = await readStatement(fromHex(example.statement), fromHex(example.custodianPublicKey))
    const dataKey = await readSealedDataKey(fromHex(example.sealedDataKey), fromHex(example.signerPublicKey), fromHex(example.merchantPrivateKey))
    assert.equal(hex(dataKey.key), hex(fromHex(example.dataKey)))
    assert.equal(dataKey.id, example.dataKeyId)
    assert.equal(dataKey.merchantKeyId, statement.keyId)
    assert.deepEqual([dataKey.tenant, dataKey.retention, dataKey.period], [statement.tenant, statement.retention, statement.period])
    assert.ok(dataKey.created >= statement.notBefore && dataKey.created < statement.notAfter)
  })

  test('opens the example’s blob, by the steps in between', () => {
    assert.equal(hex(contextOf(where)), hex(fromHex(example.context)))
    const derived = hmac('sha512', fromHex(example.dataKey), join8(fromHex(example.context), fromHex(example.salt)))
    assert.equal(hex(derived), hex(join8(fromHex(example.recordKey), fromHex(example.commitment))))
    assert.deepEqual(readBlob(fromHex(example.blob)), { id: example.dataKeyId, salt: fromHex(example.salt) })
    assert.equal(hex(openBlob(fromHex(example.blob), fromHex(example.dataKey), where)), hex(fromHex(example.plaintext)))
  })

  test('computes the example’s blinded value', () => {
    const { outerKey, value, blinded } = example.blind
    const message = writeList(['ngome/blind-once/v1', text(fromHex(value))])
    assert.equal(hex(hmac('sha256', fromHex(outerKey), message)), hex(fromHex(blinded)))
  })

  test('refuses the example with a bit flipped, and in another row', async () => {
    const blob = fromHex(example.blob)
    for (let at = 0; at < blob.length; at++) {
      const flipped = blob.with(at, (blob[at] ?? 0) ^ 1)
      assert.throws(() => openBlob(flipped, fromHex(example.dataKey), where), { message: refused })
    }
    const elsewhere = { ...where, recordId: 'pay_01jgfhz8000000000000000005' }
    assert.throws(() => openBlob(blob, fromHex(example.dataKey), elsewhere), { message: refused })
    const sealed = fromHex(example.sealedDataKey)
    const changed = sealed.with(100, (sealed[100] ?? 0) ^ 1)
    await assert.rejects(readSealedDataKey(changed, fromHex(example.signerPublicKey), fromHex(example.merchantPrivateKey)), { message: refused })
  })
})

suite('the room and the reader agree', async () => {
  // The writers, and what they need. Nothing above this line knows of them.
  const { newSealingParties } = await import('@ngome/testkit')
  const room = await import('./mod.ts')
  const { newId, Secret, systemClock, systemRandom } = await import('@ngome/kernel')
  const { createSecretKey } = await import('node:crypto')
  const parties = await newSealingParties()
  const seed = parties.merchantKey.privateKey.expose((bytes) => Uint8Array.from(bytes))
  const raw = (key: typeof parties.signer.publicKey): Uint8Array => new Uint8Array(key.export({ format: 'raw-public' }))

  test('on what the room seals today', async () => {
    const statement = await readStatement(room.signStatement(parties.statement, parties.custodian.privateKey), raw(parties.custodian.publicKey))
    assert.equal(hex(statement.publicKey), hex(publicHalf(seed)))
    const dataKey = await readSealedDataKey(parties.dataKey.sealed, raw(parties.signer.publicKey), seed)
    assert.equal(dataKey.id, parties.dataKey.id)
    for (const length of [0, 1, 15, 16, 17, 200, 1000]) {
      const recordId = newId('payment', { clock: systemClock, random: systemRandom })
      const plaintext = systemRandom.bytes(length)
      const context = { tenant: parties.tenant, table: 'payments', recordId, dataClass: 'restricted', version: 7 } as const
      const blob = room.sealRecord(parties.dataKey, context, plaintext, systemRandom)
      const opened = openBlob(blob, dataKey.key, { ...parties.tenant, table: 'payments', recordId, dataClass: 'restricted', version: 7 })
      assert.equal(hex(opened), hex(plaintext))
    }
  })

  test('on the frozen example, which the room opens too', async () => {
    const key = (lines: Lines): ReturnType<typeof createPublicKey> =>
      createPublicKey({ key: Buffer.from(fromHex(lines)), format: 'raw-public', asymmetricKeyType: 'ed25519' })
    const statement = room.verifyStatement(fromHex(example.statement), key(example.custodianPublicKey))
    const sealed = fromHex(example.sealedDataKey)
    const parts = room.parseSealedDataKey(sealed)
    assert.ok(parts && room.isSealedFor(parts, statement))
    const dataKey = await room.openSealedDataKey({
      sealed, suite: statement.suite, privateKey: new Secret(fromHex(example.merchantPrivateKey)), signerPublicKey: key(example.signerPublicKey),
    })
    assert.ok(dataKey.equals(createSecretKey(fromHex(example.dataKey))))
    const context = room.parseRecordContext(fromHex(example.context))
    assert.ok(context)
    assert.equal(context.recordId, where.recordId)
    assert.equal(hex(room.encodeRecordContext(context, context.suite)), hex(fromHex(example.context)))
    const recordKey = room.deriveRecordKey(dataKey, fromHex(example.context), fromHex(example.salt))
    assert.equal(hex(room.openRecord(new Secret(recordKey), fromHex(example.blob))), hex(fromHex(example.plaintext)))
    const { outerKey, value, blinded } = example.blind
    assert.equal(hex(room.blindOnce(new Secret(fromHex(outerKey)), text(fromHex(value)))), hex(fromHex(blinded)))
  })
})
