import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { suite, test } from 'node:test'
import {
  dataClasses, Fault, lengthPrefixed, newId, Secret, systemClock, systemRandom, type DataClass, type Random,
} from '@ngome/kernel'
import { newSealingParties } from '@ngome/testkit'
import {
  deriveRecordKey, encodeRecordContext, makeDataKey, openRecord, openSealedDataKey, parseBlob, sealRecord, signStatement,
  verifyStatement, type DataKey, type RecordContext,
} from './mod.ts'

const from = { clock: systemClock, random: systemRandom }
const parties = await newSealingParties()
const { dataKey, tenant } = parties
const context: RecordContext = {
  tenant, table: 'payments', recordId: newId('payment', from), dataClass: 'restricted', version: 1,
}
const plaintext = Buffer.from('{"payer":{"phone":"+256700000001"}}')

/** As custodian and dispatcher open together, with the right data key whatever id the blob names. */
function open(at: RecordContext, blob: Uint8Array, key: DataKey = dataKey): Uint8Array {
  const salt = blob.length >= 64 ? blob.subarray(32, 64) : Buffer.alloc(32)
  return openRecord(new Secret(deriveRecordKey(key.key, encodeRecordContext(at, 'hybrid'), salt)), blob)
}

/** Every refusal is the same fault with the same message, so that it tells an attacker, or a log, nothing. */
function assertRefused(attempt: () => unknown, threat: string): void {
  assert.throws(attempt, (error) => {
    assert.ok(error instanceof Fault, threat)
    assert.equal(error.code, 'envelope/open_refused', threat)
    assert.equal(error.message, 'a sealed record did not open', threat)
    assert.equal(error.cause, undefined, threat)
    return true
  }, threat)
}

suite('a sealed record', () => {
  test('opens with the data key that the custodian opened, and its own context', async () => {
    const blob = sealRecord(dataKey, context, plaintext, systemRandom)
    const key = await openSealedDataKey({
      sealed: dataKey.sealed, suite: 'hybrid', privateKey: parties.merchantKey.privateKey,
      signerPublicKey: parties.signer.publicKey,
    })
    const parts = parseBlob(blob)
    assert.equal(parts?.dataKeyId, dataKey.id)
    const recordKey = deriveRecordKey(key, encodeRecordContext(context, 'hybrid'), parts.salt)
    assert.deepEqual(parts.commitment, recordKey.subarray(32))
    assert.deepEqual(openRecord(new Secret(recordKey), blob), plaintext)
  })

  test('may be empty, and as large as the bound, and no larger', () => {
    for (const length of [0, 1, 65_536]) {
      const bytes = Buffer.alloc(length, 7)
      assert.deepEqual(open(context, sealRecord(dataKey, context, bytes, systemRandom)), bytes)
    }
    assert.throws(() => sealRecord(dataKey, context, Buffer.alloc(65_537), systemRandom), RangeError)
  })

  test('never looks the same twice, even with the same context and plaintext', () => {
    const seen = new Set(Array.from({ length: 300 }, () => {
      const parts = parseBlob(sealRecord(dataKey, context, plaintext, systemRandom))
      return Buffer.from(parts?.salt ?? []).toString('hex')
    }))
    assert.equal(seen.size, 300)
  })

  test('opens when it lies in the middle of a larger buffer', () => {
    const blob = sealRecord(dataKey, context, plaintext, systemRandom)
    const larger = new Uint8Array(blob.length + 20)
    larger.set(blob, 7)
    const view = larger.subarray(7, 7 + blob.length)
    assert.equal(parseBlob(view)?.dataKeyId, dataKey.id)
    assert.deepEqual(Buffer.from(parseBlob(view)?.ciphertext ?? []), Buffer.from(blob.subarray(96)))
    assert.deepEqual(open(context, view), plaintext)
  })

  const another = newId('merchant', from)
  const swaps: readonly (readonly [string, RecordContext])[] = [
    ['another row', { ...context, recordId: newId('payment', from) }],
    ['another table', { ...context, table: 'callback_hints' }],
    ['another merchant', { ...context, tenant: { ...tenant, merchant: another } }],
    ['the other world', { ...context, tenant: { ...tenant, world: 'live' } }],
    ...dataClasses.filter((one) => one !== 'restricted')
      .map((dataClass: DataClass): [string, RecordContext] => [`class ${dataClass}`, { ...context, dataClass }]),
    ['a later version', { ...context, version: 2 }],
    ['a version that differs in its highest byte', { ...context, version: 1 + 2 ** 24 }],
    ['a row whose id swallows a part of the next field', { ...context, recordId: `${context.recordId}restricted` }],
    ['a boundary moved from the table to the row', { ...context, table: 'payment', recordId: `s${context.recordId}` }],
  ]
  for (const [threat, swapped] of swaps) {
    test(`does not open as ${threat}`, () => {
      const blob = sealRecord(dataKey, context, plaintext, systemRandom)
      assertRefused(() => open(swapped, blob), threat)
    })
  }

  test('does not open with the data key of another merchant', async () => {
    const other = await newSealingParties()
    assertRefused(() => open(context, sealRecord(dataKey, context, plaintext, systemRandom), other.dataKey), 'other merchant')
  })

  test('does not open with another data key of the same merchant', async () => {
    const statement = verifyStatement(signStatement(parties.statement, parties.custodian.privateKey), parties.custodian.publicKey)
    const other = await makeDataKey({ statement, signer: parties.signer, clock: parties.clock, random: systemRandom })
    assertRefused(() => open(context, sealRecord(dataKey, context, plaintext, systemRandom), other), 'other data key')
  })

  test('does not open when any one bit of it is flipped', () => {
    const blob = sealRecord(dataKey, context, plaintext, systemRandom)
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const flipped = Buffer.from(blob)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assertRefused(() => open(context, flipped), `bit ${bit}`)
    }
  })

  test('does not open when it is truncated to any length', () => {
    const blob = sealRecord(dataKey, context, plaintext, systemRandom)
    for (let length = 0; length < blob.length; length++) assertRefused(() => open(context, blob.subarray(0, length)), `${length}`)
  })

  test('does not open when it is extended at its end, its start or inside', () => {
    const blob = sealRecord(dataKey, context, plaintext, systemRandom)
    for (const at of [0, 2, 32, 64, 96, blob.length - 16, blob.length]) {
      for (const extra of [Buffer.alloc(1), Buffer.alloc(16), blob]) {
        const extended = Buffer.concat([blob.subarray(0, at), extra, blob.subarray(at)])
        assertRefused(() => open(context, extended), `${extra.length} bytes at ${at}`)
      }
    }
    assertRefused(() => open(context, Buffer.concat([blob, Buffer.alloc(70_000)])), 'past the bound')
  })

  test('does not open with the parts of two blobs joined', () => {
    const one = sealRecord(dataKey, context, plaintext, systemRandom)
    const two = sealRecord(dataKey, context, plaintext, systemRandom)
    for (const at of [48, 64, 96, one.length - 16]) {
      assertRefused(() => open(context, Buffer.concat([one.subarray(0, at), two.subarray(at)])), `cut at ${at}`)
    }
  })

  test('does not open with a key of another length', () => {
    const blob = sealRecord(dataKey, context, plaintext, systemRandom)
    const key = deriveRecordKey(dataKey.key, encodeRecordContext(context, 'hybrid'), blob.subarray(32, 64))
    for (const wrong of [key.subarray(0, 32), key.subarray(0, 63), Buffer.concat([key, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      assertRefused(() => openRecord(new Secret(wrong), blob), `${wrong.length} bytes`)
    }
  })
})

suite('a blob that decrypts under two keys', () => {
  // Dodis, Grubbs, Ristenpart, Woodage: Fast Message Franking (CRYPTO 2018) §3: GCM does not commit to its key.
  const other: RecordContext = { ...context, recordId: newId('payment', from) }
  const salt = systemRandom.bytes(32)
  const one = deriveRecordKey(dataKey.key, encodeRecordContext(context, 'hybrid'), salt)
  const two = deriveRecordKey(dataKey.key, encodeRecordContext(other, 'hybrid'), salt)
  const prefix = sealRecord(dataKey, context, plaintext, systemRandom).subarray(0, 32)
  const forged = forgeForTwoKeys(one.subarray(0, 32), two.subarray(0, 32), prefix)

  test('can be made: AES-256-GCM alone accepts it under both', () => {
    for (const key of [one, two]) {
      const decipher = createDecipheriv('aes-256-gcm', key.subarray(0, 32), Buffer.alloc(12))
      decipher.setAAD(prefix)
      decipher.setAuthTag(forged.subarray(-16))
      decipher.update(forged.subarray(0, -16))
      assert.doesNotThrow(() => decipher.final())
    }
  })

  test('opens here for one record at most, since it commits to one key', () => {
    const forOne = Buffer.concat([prefix, salt, one.subarray(32), forged])
    const forTwo = Buffer.concat([prefix, salt, two.subarray(32), forged])
    assert.doesNotThrow(() => open(context, forOne))
    assertRefused(() => open(other, forOne), 'the other record')
    assert.doesNotThrow(() => open(other, forTwo))
    assertRefused(() => open(context, forTwo), 'the first record')
  })
})

suite('sealing refuses', () => {
  const bad = (changes: Partial<Record<keyof RecordContext, unknown>>): RecordContext => ({ ...context, ...changes }) as RecordContext
  const cases: readonly (readonly [string, RecordContext])[] = [
    ['an empty table', bad({ table: '' })],
    ['a table with a quote', bad({ table: 'pay"ments' })],
    ['a table name past 63 bytes', bad({ table: 'a'.repeat(64) })],
    ['an empty record id', bad({ recordId: '' })],
    ['a record id past 64 characters', bad({ recordId: 'a'.repeat(65) })],
    ['a record id with a space', bad({ recordId: 'a b' })],
    ['a record id outside ASCII', bad({ recordId: 'pay_é' })],
    ['a record id that would be cut to one byte a character', bad({ recordId: 'pay_\u0161' })],
    ['a class that does not exist', bad({ dataClass: 'secret' })],
    ['version 0', bad({ version: 0 })],
    ['a fractional version', bad({ version: 1.5 })],
    ['a version past the bound', bad({ version: 2 ** 31 })],
    ['another merchant than the data key’s', bad({ tenant: { ...tenant, merchant: newId('merchant', from) } })],
    ['another world than the data key’s', bad({ tenant: { ...tenant, world: 'live' } })],
  ]
  for (const [threat, refused] of cases) {
    test(threat, () => {
      assert.throws(() => sealRecord(dataKey, refused, plaintext, systemRandom), TypeError)
      // The same after a good record of its kind, whose bytes are reused.
      sealRecord(dataKey, context, plaintext, systemRandom)
      assert.throws(() => sealRecord(dataKey, refused, plaintext, systemRandom), TypeError)
    })
  }

  test('a context of no merchant or no world, when it is encoded alone', () => {
    assert.throws(() => encodeRecordContext(bad({ tenant: { ...tenant, merchant: 'mer_1' } }), 'hybrid'), TypeError)
    assert.throws(() => encodeRecordContext(bad({ tenant: { ...tenant, world: 'prod' } }), 'hybrid'), TypeError)
    assert.throws(() => encodeRecordContext(bad({ tenant: { ...tenant, world: 'toString' } }), 'hybrid'), TypeError)
  })

  test('a salt of another length, when a key is derived', () => {
    for (const length of [0, 31, 33]) assert.throws(() => deriveRecordKey(dataKey.key, Buffer.alloc(1), Buffer.alloc(length)), TypeError)
  })

  test('a source of randomness that gives another number of bytes than asked for', () => {
    const short: Random = { bytes: () => new Uint8Array(31) }
    assert.throws(() => sealRecord(dataKey, context, plaintext, short), RangeError)
  })
})

test('each drawn byte becomes part of one salt, and is wiped from where it was drawn', () => {
  const drawn: Uint8Array[] = []
  const copies: Buffer[] = []
  const source: Random = {
    bytes: (length) => {
      const bytes = systemRandom.bytes(length)
      drawn.push(bytes)
      copies.push(Buffer.from(bytes))
      return bytes
    },
  }
  const salts = Array.from({ length: 256 }, () => Buffer.from(sealRecord(dataKey, context, plaintext, source).subarray(32, 64)))
  assert.deepEqual(Buffer.concat(salts), Buffer.concat(copies))
  assert.ok(drawn.every((bytes) => bytes.every((byte) => byte === 0)))
})

/** Ciphertext and tag that AES-256-GCM accepts under both keys, with a nonce of zeros. */
function forgeForTwoKeys(one: Uint8Array, two: Uint8Array, aad: Uint8Array): Buffer {
  const aadBlocks = blocksOf(aad)
  const lengths = BigInt(aad.length * 8) << 64n | 256n
  // Two ciphertext blocks: the first is free, the second is solved for. GHASH is a polynomial in H without constant term.
  const free = 0x1234n
  const sides = [one, two].map((key) => {
    const h = encryptBlock(key, 0n)
    const known = [...aadBlocks, free, 0n, lengths].reduce((sum, block) => multiply(sum ^ block, h), 0n)
    return { constant: known ^ encryptBlock(key, 1n), coefficient: multiply(h, h) }
  })
  const [a, b] = sides
  assert.ok(a && b)
  const solved = multiply(a.constant ^ b.constant, invert(a.coefficient ^ b.coefficient))
  const tag = a.constant ^ multiply(solved, a.coefficient)
  return Buffer.concat([free, solved, tag].map(toBlock))
}

function blocksOf(bytes: Uint8Array): bigint[] {
  assert.equal(bytes.length % 16, 0)
  return Array.from({ length: bytes.length / 16 }, (_, at) => BigInt(`0x${Buffer.from(bytes).toString('hex', at * 16, at * 16 + 16)}`))
}

function toBlock(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex')
}

function encryptBlock(key: Uint8Array, block: bigint): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null)
  return BigInt(`0x${cipher.update(toBlock(block)).toString('hex')}`)
}

/** In GCM's field, whose bits run backwards (NIST SP 800-38D §6.3). */
function multiply(x: bigint, y: bigint): bigint {
  let product = 0n
  let shifted = y
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit & 1n) === 1n) product ^= shifted
    shifted = (shifted & 1n) === 1n ? shifted >> 1n ^ 0xe1n << 120n : shifted >> 1n
  }
  return product
}

/** x to the power of 2^128 − 2. */
function invert(x: bigint): bigint {
  let power = x
  let product = 1n << 127n
  for (let step = 0; step < 127; step++) {
    power = multiply(power, power)
    product = multiply(product, power)
  }
  return product
}

test('the context is what the kernel’s framing gives', () => {
  const version = Buffer.alloc(8)
  version.writeUInt32BE(1, 4)
  assert.deepEqual(encodeRecordContext(context, 'hybrid'), lengthPrefixed(
    'ngome/record/v1', 'HMAC-SHA-512/AES-256-GCM', 'test', tenant.merchant, 'payments', context.recordId, 'restricted', version,
  ))
})
