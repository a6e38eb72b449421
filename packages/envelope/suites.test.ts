import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { suite, test } from 'node:test'
import { Fault, lengthPrefixed, newId, Secret, systemRandom } from '@ngome/kernel'
import { newSealingParties, type SealingParties } from '@ngome/testkit'
import { hpkeInfo, hpkeSuites } from './hpke-suites.ts'
import {
  deriveRecordKey, encodeRecordContext, generateMerchantKeyPair, isSealedFor, makeDataKey, openRecord, openSealedDataKey,
  parseBlob, parseRecordContext, parseSealedDataKey, sealRecord, signStatement, suiteNames, suites, verifyStatement,
  type MerchantKeyStatement, type RecordContext, type SuiteName,
} from './mod.ts'
import { assertSeals, suiteNumbered } from './suites.ts'

const parties = { hybrid: await newSealingParties('hybrid'), fips: await newSealingParties('fips') }
const otherOf = { hybrid: 'fips', fips: 'hybrid' } as const
const unknownLabel = 'RFC9999/KEM-3/HKDF-SHA-256/AES-256-GCM'
const plaintext = Buffer.from('{"payer":{"phone":"+256700000001"}}')

function isRefused(error: unknown): true {
  assert.ok(error instanceof Fault)
  assert.equal(error.code, 'envelope/open_refused')
  assert.equal(error.message, 'a sealed data key did not open')
  assert.equal(error.cause, undefined)
  return true
}

function contextOf({ tenant, clock }: SealingParties): RecordContext {
  const recordId = newId('payment', { clock, random: systemRandom })
  return { tenant, table: 'payments', recordId, dataClass: 'restricted', version: 1 }
}

/** The sealed data key with another label in its header, its lengths as they are, signed anew by the gateway itself. */
function relabelled({ dataKey, signer }: SealingParties, label: string): Uint8Array {
  const parts = parseSealedDataKey(dataKey.sealed)
  assert.ok(parts)
  const header = headerOf(parts.suite, dataKey.sealed, label)
  const signed = Buffer.concat([header, parts.enc, parts.wrapped])
  return Buffer.concat([signed, sign(null, signed, signer.privateKey)])
}

function headerOf(name: SuiteName, sealed: Uint8Array, label: string): Uint8Array {
  const start = lengthPrefixed('ngome/data-key/v1', suites[name].label).length
  const rest = sealed.subarray(start, parseSealedDataKey(sealed)?.header.length)
  return Buffer.concat([lengthPrefixed('ngome/data-key/v1', label), rest])
}

/** A data key for `victim`'s merchant key that an enrolled gateway really sealed, in a suite of its own choice. */
async function sealedIn(name: SuiteName, victim: SealingParties, publicKey: Uint8Array): Promise<Uint8Array> {
  const header = headerOf(victim.statement.suite, victim.dataKey.sealed, suites[name].label)
  const hpke = hpkeSuites[name]
  const recipient = await hpke.DeserializePublicKey(publicKey)
  const { encapsulatedSecret, ciphertext } = await hpke.Seal(recipient, Buffer.alloc(32, 5), { info: hpkeInfo, aad: header })
  const signed = Buffer.concat([header, encapsulatedSecret, ciphertext])
  return Buffer.concat([signed, sign(null, signed, victim.signer.privateKey)])
}

suite('the table of suites', () => {
  test('names each suite once, by number, label and record label', () => {
    for (const field of ['number', 'label', 'recordLabel'] as const) {
      assert.equal(new Set(suiteNames.map((name) => suites[name][field])).size, suiteNames.length, field)
    }
    assert.deepEqual(suiteNames.toSorted(), Object.keys(suites).toSorted())
    assert.deepEqual(suiteNames.filter((name) => suites[name].status === 'default'), ['hybrid'])
  })

  test('never changes what was sealed: numbers and labels are frozen here', () => {
    assert.deepEqual(suiteNames.map((name) => [suites[name].number, suites[name].label, suites[name].recordLabel]), [
      [1, 'draft-ietf-hpke-pq-05/MLKEM768-X25519/HKDF-SHA-256/AES-256-GCM', 'HMAC-SHA-512/AES-256-GCM'],
      [2, 'RFC9180/DHKEM-P256-HKDF-SHA-256/HKDF-SHA-256/AES-256-GCM', 'suite-2/HMAC-SHA-512/AES-256-GCM'],
    ])
  })

  for (const name of suiteNames) {
    test(`says of ${name} what its code does`, async () => {
      const { kem, kdf, aead } = suites[name]
      const code = hpkeSuites[name]
      assert.deepEqual([code.KEM.id, code.KDF.id, code.AEAD.id], [kem.id, kdf.id, aead.id])
      assert.deepEqual([code.KEM.Nenc, code.KEM.Npk, code.KEM.Nsk], [kem.encBytes, kem.publicKeyBytes, kem.privateKeyBytes])
      const { publicKey, privateKey } = await generateMerchantKeyPair(name)
      assert.deepEqual([publicKey.length, privateKey.expose((bytes) => bytes.length)], [kem.publicKeyBytes, kem.privateKeyBytes])
    })
  }

  test('states that only a suite with ML-KEM is post-quantum', () => {
    for (const { kem, isPostQuantum } of Object.values(suites)) assert.equal(isPostQuantum, kem.name.includes('MLKEM'))
  })

  test('a suite that is being retired makes nothing new', () => {
    for (const name of suiteNames) assertSeals(suites[name])
    assert.throws(() => assertSeals({ ...suites.fips, status: 'opens-only' }), TypeError)
  })

  test('a number that no suite has is none', () => {
    const known = Array.from({ length: 256 }, (_, number) => suiteNumbered(number)).filter((name) => name !== undefined)
    assert.deepEqual(known, ['hybrid', 'fips'])
    assert.equal(suiteNumbered(undefined), undefined)
    assert.equal(suiteNumbered(256), undefined)
  })
})

for (const name of suiteNames) {
  const mine = parties[name]
  const { statement, dataKey, merchantKey, signer, custodian } = mine
  const open = (sealed: Uint8Array, changes: Partial<Parameters<typeof openSealedDataKey>[0]> = {}) =>
    openSealedDataKey({ sealed, suite: name, privateKey: merchantKey.privateKey, signerPublicKey: signer.publicKey, ...changes })

  suite(`suite ${suites[name].number}, ${name}`, () => {
    test('seals a data key that its merchant key opens, and records that say the same suite', async () => {
      const parts = parseSealedDataKey(dataKey.sealed)
      assert.ok(parts && isSealedFor(parts, statement))
      assert.deepEqual([parts.suite, dataKey.suite, parts.enc.length], [name, name, suites[name].kem.encBytes])
      const key = await open(dataKey.sealed)
      const context = contextOf(mine)
      const blob = sealRecord(dataKey, context, plaintext, systemRandom)
      const sealed = parseBlob(blob)
      assert.ok(sealed)
      assert.deepEqual([sealed.suite, blob[1]], [name, suites[name].number])
      const bytes = encodeRecordContext(context, sealed.suite)
      assert.deepEqual(parseRecordContext(bytes), { suite: name, ...context })
      assert.deepEqual(openRecord(new Secret(deriveRecordKey(key, bytes, sealed.salt)), blob), plaintext)
    })

    test('a statement verifies to itself, and with any byte changed is refused', () => {
      const signed = signStatement(statement, custodian.privateKey)
      assert.equal(verifyStatement(signed, custodian.publicKey).suite, name)
      for (let at = 0; at < signed.length; at++) {
        const changed = Buffer.from(signed)
        changed[at] = (changed[at] ?? 0) ^ (1 << at % 8)
        assert.throws(() => verifyStatement(changed, custodian.publicKey), { code: 'envelope/statement_refused' })
      }
    })

    test('a sealed data key with any byte changed does not open, nor what HPKE made even when signed anew', async () => {
      const { sealed } = dataKey
      for (let at = 0; at < sealed.length; at += name === 'fips' ? 1 : 13) {
        const changed = Buffer.from(sealed)
        changed[at] = (changed[at] ?? 0) ^ (1 << at % 8)
        await assert.rejects(open(changed), isRefused)
        const body = changed.subarray(0, -64)
        if (at < body.length) await assert.rejects(open(Buffer.concat([body, sign(null, body, signer.privateKey)])), isRefused)
      }
    })
  })

  const other = otherOf[name]
  const theirs = parties[other]
  type Attack = readonly [threat: string, make: () => Promise<Uint8Array> | Uint8Array, changes?: Parameters<typeof open>[1]]
  const attacks: readonly Attack[] = [
    [`the header says ${other}, over what was sealed in ${name}`, () => relabelled(mine, suites[other].label)],
    ['the header says suite 3, which there is not', () => relabelled(mine, unknownLabel)],
    ['the header says the label of records', () => relabelled(mine, suites[name].recordLabel)],
    ['the header says a label that begins like ours', () => relabelled(mine, `${suites[name].label}-2`)],
    ['the header says nothing', () => relabelled(mine, '')],
    [`an enrolled gateway seals in ${other}, to a key of its own, for this merchant key`,
      () => sealedIn(other, mine, theirs.merchantKey.publicKey)],
    [`the same, with the private key of ${other} to hand`,
      () => sealedIn(other, mine, theirs.merchantKey.publicKey), { privateKey: theirs.merchantKey.privateKey }],
    [`a data key of ${other}, whole, is brought to this merchant key`, () => theirs.dataKey.sealed,
      { signerPublicKey: theirs.signer.publicKey, privateKey: theirs.merchantKey.privateKey }],
    [`the merchant key is said to be of ${other}`, () => dataKey.sealed, { suite: other }],
    [`the private key is that of ${other}, of the same length`, () => dataKey.sealed, { privateKey: theirs.merchantKey.privateKey }],
    ['the private key is zeros', () => dataKey.sealed, { privateKey: new Secret(Buffer.alloc(32)) }],
  ]
  suite(`no way leads from suite ${name} to another`, () => {
    for (const [threat, make, changes] of attacks) {
      test(`where ${threat}`, async () => {
        const sealed = await make()
        await assert.rejects(open(sealed, changes), isRefused)
        const parts = parseSealedDataKey(sealed)
        if (sealed !== dataKey.sealed && parts !== undefined) assert.ok(!isSealedFor(parts, statement))
      })
    }

    test('where the statement is relabelled, under its old signature or by one who has the custodian’s ear', () => {
      const signed = signStatement(statement, custodian.privateKey)
      const start = lengthPrefixed('ngome/merchant-key-statement/v1', suites[name].label).length
      for (const label of [suites[other].label, unknownLabel, '']) {
        const body = Buffer.concat([lengthPrefixed('ngome/merchant-key-statement/v1', label), signed.subarray(start, -64)])
        for (const signature of [signed.subarray(-64), sign(null, body, custodian.privateKey)]) {
          assert.throws(() => verifyStatement(Buffer.concat([body, signature]), custodian.publicKey), { code: 'envelope/statement_refused' })
        }
      }
      const wrong: MerchantKeyStatement = { ...statement, suite: other }
      assert.throws(() => signStatement(wrong, custodian.privateKey), TypeError)
    })

    test('where the second byte of a blob is any other, whichever context the reader then builds', () => {
      const context = contextOf(mine)
      const blob = sealRecord(dataKey, context, plaintext, systemRandom)
      const salt = blob.subarray(32, 64)
      for (let byte = 0; byte < 256; byte++) {
        if (byte === suites[name].number) continue
        const changed = Buffer.from(blob)
        changed[1] = byte
        assert.equal(parseBlob(changed) === undefined, suiteNumbered(byte) === undefined)
        for (const as of suiteNames) {
          const key = new Secret(deriveRecordKey(dataKey.key, encodeRecordContext(context, as), salt))
          assert.throws(() => openRecord(key, changed), { code: 'envelope/open_refused' })
        }
      }
    })

    test('where the context says another suite than the blob was sealed in', () => {
      const context = contextOf(mine)
      const blob = sealRecord(dataKey, context, plaintext, systemRandom)
      const key = deriveRecordKey(dataKey.key, encodeRecordContext(context, other), blob.subarray(32, 64))
      assert.throws(() => openRecord(new Secret(key), blob), { code: 'envelope/open_refused' })
      const fields = ['test', context.tenant.merchant, 'payments', context.recordId, 'restricted', 1] as const
      for (const label of [suites[name].label, unknownLabel, 'suite-3/HMAC-SHA-512/AES-256-GCM', '']) {
        assert.equal(parseRecordContext(lengthPrefixed('ngome/record/v1', label, ...fields)), undefined)
      }
    })

    test('where contexts of both suites are written in turn: neither takes the other’s bytes', () => {
      const context = contextOf(mine)
      for (const as of [name, other, name, other]) {
        assert.equal(parseRecordContext(encodeRecordContext(context, as))?.suite, as)
      }
    })
  })
}

suite('a P-256 key', () => {
  const { clock, custodian, signer, statement } = parties.fips
  // SEC 1 §2.3.3 and RFC 9180 §7.1.4: an uncompressed point on the curve, or nothing.
  const compressed = Buffer.concat([Buffer.of(0x02 + ((statement.publicKey[64] ?? 0) & 1)), statement.publicKey.subarray(1, 33)])
  const points: readonly (readonly [string, Uint8Array])[] = [
    ['off the curve', statement.publicKey.with(64, (statement.publicKey[64] ?? 0) ^ 1)],
    ['of zeros', new Uint8Array(65)],
    ['with the origin in it', Buffer.concat([Buffer.of(4), Buffer.alloc(64)])],
    ['compressed, with padding', Buffer.concat([compressed, Buffer.alloc(32)])],
    ['in the form of ANSI X9.62 that repeats the sign', statement.publicKey.with(0, 0x06 + ((statement.publicKey[64] ?? 0) & 1))],
    ['with a coordinate past the field', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 0xff)])],
  ]
  for (const [threat, publicKey] of points) {
    test(`${threat} gets no data key`, async () => {
      await assert.rejects(async () => {
        const verified = verifyStatement(signStatement({ ...statement, publicKey }, custodian.privateKey), custodian.publicKey)
        return makeDataKey({ statement: verified, signer, clock, random: systemRandom })
      })
    })
  }
  test('has one form: an encapsulated secret written in another is not parsed, even signed by the gateway', () => {
    const { sealed } = parties.fips.dataKey
    const encAt = parseSealedDataKey(sealed)?.header.length ?? 0
    for (const form of [0x02, 0x03, 0x06, 0x07, 0x00]) {
      const body = Buffer.from(sealed.subarray(0, -64))
      body[encAt] = form
      assert.equal(parseSealedDataKey(Buffer.concat([body, sign(null, body, signer.privateKey)])), undefined)
    }
  })
})
