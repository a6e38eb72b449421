import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { suite, test } from 'node:test'
import {
  Fault, lengthPrefixed, ManualClock, newId, Secret, systemRandom, type FaultCode, type Random,
} from '@ngome/kernel'
import { newSealingParties } from '@ngome/testkit'
import { hpkeInfo, hpkeSuites } from './hpke-suites.ts'
import {
  generateMerchantKeyPair, isSealedFor, makeDataKey, openSealedDataKey, parseSealedDataKey, signStatement,
  suites, verifyStatement, type MerchantKeyStatement, type VerifiedStatement,
} from './mod.ts'

const parties = await newSealingParties()
const { clock, custodian, signer, merchantKey, statement, dataKey } = parties
const from = { clock, random: systemRandom }

function assertFault(code: FaultCode, error: unknown, message?: string): true {
  assert.ok(error instanceof Fault)
  assert.equal(error.code, code)
  if (message !== undefined) assert.equal(error.message, message)
  return true
}

async function assertSealedRefused(sealed: Uint8Array, signerPublicKey = signer.publicKey, privateKey = merchantKey.privateKey): Promise<void> {
  await assert.rejects(openSealedDataKey({ sealed, suite: 'hybrid', privateKey, signerPublicKey }),
    (error) => assertFault('envelope/open_refused', error, 'a sealed data key did not open'))
}

/** A sealed data key put together by hand, so that each part can be wrong while the others are right. */
async function sealByHand({ header = {}, aad, info = hpkeInfo, key = Buffer.alloc(32, 5), by = signer.privateKey }: {
  header?: Partial<Record<string, string | number>>
  aad?: Uint8Array
  info?: Uint8Array
  key?: Uint8Array
  by?: KeyObject
}): Promise<Buffer> {
  const head = headerOf(header)
  const recipient = await hpkeSuites.hybrid.DeserializePublicKey(merchantKey.publicKey)
  const { encapsulatedSecret, ciphertext } = await hpkeSuites.hybrid.Seal(recipient, key, { info, aad: aad ?? head })
  const signed = Buffer.concat([head, encapsulatedSecret, ciphertext])
  return Buffer.concat([signed, sign(null, signed, by)])
}

function headerOf(changes: Partial<Record<string, string | number>>): Uint8Array {
  const fields = {
    format: 'ngome/data-key/v1', suite: suites.hybrid.label, id: dataKey.id, merchant: statement.tenant.merchant,
    world: 'test', retention: 'payment', period: statement.period, createdAtMs: dataKey.createdAtMs,
    merchantKeyId: statement.keyId, signerId: signer.id, ...changes,
  }
  return lengthPrefixed(...Object.values(fields).filter((field) => field !== undefined))
}

suite('a sealed data key', () => {
  test('says whose it is, and opens with the merchant key to the key that seals', async () => {
    const parts = parseSealedDataKey(dataKey.sealed)
    assert.ok(parts)
    assert.deepEqual(
      [parts.id, parts.tenant, parts.retention, parts.period, parts.createdAtMs, parts.merchantKeyId, parts.signerId],
      [dataKey.id, statement.tenant, 'payment', statement.period, clock.nowMs(), statement.keyId, signer.id],
    )
    const opened = await openSealedDataKey({ sealed: dataKey.sealed, suite: 'hybrid', privateKey: merchantKey.privateKey, signerPublicKey: signer.publicKey })
    assert.ok(opened.equals(dataKey.key))
    assert.equal(opened.symmetricKeySize, 32)
  })

  test('is what a hand that follows the format makes', async () => {
    const opened = await openSealedDataKey({
      sealed: await sealByHand({}), suite: 'hybrid', privateKey: merchantKey.privateKey, signerPublicKey: signer.publicKey,
    })
    assert.deepEqual(opened.export(), Buffer.alloc(32, 5))
  })

  const handmade: readonly (readonly [string, () => Promise<Uint8Array>])[] = [
    ['that nobody signed', async () => Buffer.concat([(await sealByHand({})).subarray(0, -64), Buffer.alloc(64)])],
    ['without a signature', async () => (await sealByHand({})).subarray(0, -64)],
    ['that another gateway signed', () => sealByHand({ by: generateKeyPairSync('ed25519').privateKey })],
    ['that the custodian signed', () => sealByHand({ by: custodian.privateKey })],
    ['sealed under another header, then signed with this one', () => sealByHand({ aad: headerOf({ world: 'live' }) })],
    ['sealed under another info', () => sealByHand({ info: Buffer.from('ngome/data-key/v2') })],
    ['that holds 16 bytes in place of 32', () => sealByHand({ key: Buffer.alloc(16, 5) })],
    ['that holds 33 bytes in place of 32', () => sealByHand({ key: Buffer.alloc(33, 5) })],
    ['of another format', () => sealByHand({ header: { format: 'ngome/data-key/v2' } })],
    ['of another suite', () => sealByHand({ header: { suite: 'DHKEM-P256' } })],
    ['whose id is another kind’s', () => sealByHand({ header: { id: newId('payment', from) } })],
    ['whose merchant is none', () => sealByHand({ header: { merchant: 'mer_1' } })],
    ['whose world is none', () => sealByHand({ header: { world: 'prod' } })],
    ['whose retention class is not of its form', () => sealByHand({ header: { retention: 'Payment' } })],
    ['whose period is text', () => sealByHand({ header: { period: 'soon' } })],
    ['whose date is text', () => sealByHand({ header: { createdAtMs: 'now' } })],
    ['whose merchant key is none', () => sealByHand({ header: { merchantKeyId: 'mek_' } })],
    ['whose signer is none', () => sealByHand({ header: { signerId: '' } })],
    ['with a field more', () => sealByHand({ header: { more: '' } })],
    ['whose header is past its bound', () => sealByHand({ header: { more: 'a'.repeat(2000) } })],
  ]
  for (const [threat, make] of handmade) test(`does not open ${threat}`, async () => assertSealedRefused(await make()))

  for (const field of ['id', 'merchant', 'retention', 'merchantKeyId', 'signerId', 'world', 'period', 'createdAtMs']) {
    test(`does not open with the ${field} of its header swapped`, async () => {
      const other: Record<string, string | number> = {
        id: newId('dataKey', from), merchant: newId('merchant', from), retention: 'credential', world: 'live', period: 1,
        merchantKeyId: newId('merchantKey', from), signerId: newId('signer', from), createdAtMs: dataKey.createdAtMs + 1,
      }
      const header = headerOf({ [field]: other[field] })
      const tail = dataKey.sealed.subarray(parseSealedDataKey(dataKey.sealed)?.header.length)
      const swapped = Buffer.concat([header, tail])
      assert.ok(parseSealedDataKey(swapped), 'it parses: the signature is what refuses it')
      await assertSealedRefused(swapped)
    })
  }

  test('does not open with the merchant key of another', async () => {
    const { privateKey } = await generateMerchantKeyPair('hybrid')
    await assertSealedRefused(dataKey.sealed, signer.publicKey, privateKey)
  })

  test('does not open with a private key that is none', async () => {
    await assertSealedRefused(dataKey.sealed, signer.publicKey, new Secret(Buffer.alloc(31)))
  })

  test('does not open when any byte of it is changed', async () => {
    for (let at = 0; at < dataKey.sealed.length; at++) {
      const changed = Buffer.from(dataKey.sealed)
      changed[at] = (changed[at] ?? 0) ^ (1 << at % 8)
      await assertSealedRefused(changed)
    }
  })

  test('does not open when any bit of what HPKE made is flipped, even signed anew', async () => {
    const headerBytes = parseSealedDataKey(dataKey.sealed)?.header.length ?? 0
    const made = dataKey.sealed.subarray(0, -64)
    for (let at = headerBytes; at < made.length; at += 7) {
      const changed = Buffer.from(made)
      changed[at] = (changed[at] ?? 0) ^ (1 << at % 8)
      await assertSealedRefused(Buffer.concat([changed, sign(null, changed, signer.privateKey)]))
    }
  })

  test('does not open truncated or extended', async () => {
    const { sealed } = dataKey
    for (const length of [0, 1, 64, 1231, 1232, 1233, sealed.length - 1]) await assertSealedRefused(sealed.subarray(0, length))
    await assertSealedRefused(Buffer.concat([sealed, Buffer.alloc(1)]))
    await assertSealedRefused(Buffer.concat([Buffer.alloc(4), sealed]))
  })

  test('is not opened with a signer’s key that is not Ed25519', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await assert.rejects(openSealedDataKey({ sealed: dataKey.sealed, suite: 'hybrid', privateKey: merchantKey.privateKey, signerPublicKey: publicKey }), TypeError)
  })
})

suite('a sealed data key is sealed for its merchant key', () => {
  const parts = parseSealedDataKey(dataKey.sealed)
  assert.ok(parts)

  test('by its own statement', () => assert.ok(isSealedFor(parts, statement)))

  const others: readonly (readonly [string, Partial<MerchantKeyStatement>])[] = [
    ['with another id', { keyId: newId('merchantKey', from) }],
    ['of another merchant', { tenant: { ...statement.tenant, merchant: newId('merchant', from) } }],
    ['of the other world', { tenant: { ...statement.tenant, world: 'live' } }],
    ['of another retention class', { retention: 'credential' }],
    ['of another period', { period: statement.period + 1 }],
    ['of the other suite', { suite: 'fips' }],
    ['that was not valid yet', { notBeforeMs: dataKey.createdAtMs + 1 }],
    ['that was no longer valid', { notAfterMs: dataKey.createdAtMs }],
  ]
  for (const [threat, changes] of others) {
    test(`and for no key ${threat}`, () => assert.ok(!isSealedFor(parts, { ...statement, ...changes })))
  }
})

suite('a merchant key statement', () => {
  const signed = signStatement(statement, custodian.privateKey)
  const refused = (error: unknown): true => assertFault('envelope/statement_refused', error, 'a merchant key statement was refused')

  test('is verified by the custodian’s key, unchanged, and cannot be changed after', () => {
    const verified = verifyStatement(signed, custodian.publicKey)
    assert.deepEqual({ ...verified, publicKey: Buffer.from(verified.publicKey) }, { ...statement, publicKey: Buffer.from(statement.publicKey) })
    assert.throws(() => Object.assign(verified, { notAfterMs: 0 }), TypeError)
    assert.throws(() => Object.assign(verified.tenant, { world: 'live' }), TypeError)
    const buffer = Buffer.from(signed)
    const copied = verifyStatement(buffer, custodian.publicKey)
    buffer.fill(0)
    assert.deepEqual(Buffer.from(copied.publicKey), Buffer.from(statement.publicKey))
  })

  test('of another custodian is refused', () => {
    const other = generateKeyPairSync('ed25519')
    assert.throws(() => verifyStatement(signed, other.publicKey), refused)
    assert.throws(() => verifyStatement(signStatement(statement, other.privateKey), custodian.publicKey), refused)
    assert.throws(() => verifyStatement(signStatement(statement, signer.privateKey), custodian.publicKey), refused)
  })

  test('with any byte changed is refused', () => {
    for (let at = 0; at < signed.length; at++) {
      const changed = Buffer.from(signed)
      changed[at] = (changed[at] ?? 0) ^ (1 << at % 8)
      assert.throws(() => verifyStatement(changed, custodian.publicKey), refused)
    }
  })

  const changes: Readonly<Record<string, Partial<MerchantKeyStatement>>> = {
    keyId: { keyId: newId('merchantKey', from) },
    merchant: { tenant: { ...statement.tenant, merchant: newId('merchant', from) } },
    world: { tenant: { ...statement.tenant, world: 'live' } },
    retention: { retention: 'credential' },
    period: { period: statement.period + 1 },
    notBeforeMs: { notBeforeMs: 0 },
    notAfterMs: { notAfterMs: statement.notAfterMs * 2 },
    publicKey: { publicKey: Buffer.alloc(1216, 9) },
  }
  for (const [field, change] of Object.entries(changes)) {
    test(`with another ${field} under the old signature is refused`, () => {
      const body = signStatement({ ...statement, ...change }, custodian.privateKey).subarray(0, -64)
      assert.throws(() => verifyStatement(Buffer.concat([body, signed.subarray(-64)]), custodian.publicKey), refused)
    })
  }

  test('truncated or extended is refused', () => {
    for (const length of [0, 1, 63, 64, 65, signed.length - 1]) {
      assert.throws(() => verifyStatement(signed.subarray(0, length), custodian.publicKey), refused)
    }
    assert.throws(() => verifyStatement(Buffer.concat([signed, Buffer.alloc(1)]), custodian.publicKey), refused)
    assert.throws(() => verifyStatement(Buffer.concat([signed, Buffer.alloc(5000)]), custodian.publicKey), refused)
  })

  const malformed: readonly (readonly [string, Partial<Record<keyof MerchantKeyStatement, unknown>>])[] = [
    ['a key id of another kind', { keyId: newId('dataKey', from) }],
    ['no merchant', { tenant: { merchant: '', world: 'test' } }],
    ['no world', { tenant: { ...statement.tenant, world: 'prod' } }],
    ['a retention class not of its form', { retention: 'Payment!' }],
    ['a public key of the other suite’s length', { suite: 'fips' }],
    ['a public key of another length', { publicKey: Buffer.alloc(1215) }],
    ['dates in the wrong order', { notAfterMs: statement.notBeforeMs }],
    ['a date past what a double holds', { notAfterMs: 2 ** 60 }],
  ]
  for (const [threat, change] of malformed) {
    test(`with ${threat} is neither signed nor, if signed by hand, verified`, () => {
      const wrong = { ...statement, ...change } as MerchantKeyStatement
      assert.throws(() => signStatement(wrong, custodian.privateKey), TypeError)
      const body = lengthPrefixed(
        'ngome/merchant-key-statement/v1', suites[wrong.suite].label, wrong.keyId, wrong.tenant.merchant, wrong.tenant.world,
        wrong.retention, wrong.period, wrong.notBeforeMs, wrong.notAfterMs, wrong.publicKey,
      )
      const byHand = Buffer.concat([body, sign(null, body, custodian.privateKey)])
      assert.throws(() => verifyStatement(byHand, custodian.publicKey), refused)
    })
  }

  test('with a count of another width, or a field too few, is refused even when signed', () => {
    const text = ['ngome/merchant-key-statement/v1', suites.hybrid.label, statement.keyId, statement.tenant.merchant, 'test', 'payment']
    for (const rest of [['1', 2, 3, statement.publicKey], [1, 2, 3], [1, '2', 3, statement.publicKey], [1, 2, '3', statement.publicKey]]) {
      const body = lengthPrefixed(...text, ...rest)
      assert.throws(() => verifyStatement(Buffer.concat([body, sign(null, body, custodian.privateKey)]), custodian.publicKey), refused)
    }
  })

  test('is not signed or verified with a key that is not Ed25519', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    assert.throws(() => signStatement(statement, privateKey), TypeError)
    assert.throws(() => verifyStatement(signed, publicKey), TypeError)
  })
})

suite('a data key is made', () => {
  const verified = verifyStatement(signStatement(statement, custodian.privateKey), custodian.publicKey)
  const at = (nowMs: number): ManualClock => new ManualClock(nowMs)

  test('from the first millisecond of its statement to the last', async () => {
    for (const nowMs of [statement.notBeforeMs, statement.notAfterMs - 1]) {
      const made = await makeDataKey({ statement: verified, signer, clock: at(nowMs), random: systemRandom })
      assert.equal(parseSealedDataKey(made.sealed)?.createdAtMs, nowMs)
    }
  })

  test('neither before nor after', async () => {
    for (const nowMs of [0, statement.notBeforeMs - 1, statement.notAfterMs, statement.notAfterMs * 2]) {
      await assert.rejects(makeDataKey({ statement: verified, signer, clock: at(nowMs), random: systemRandom }),
        (error) => assertFault('envelope/statement_refused', error))
    }
  })

  test('never from a statement that was not verified, whatever its type claims', async () => {
    for (const forged of [statement, { ...verified }]) {
      await assert.rejects(makeDataKey({ statement: forged as VerifiedStatement, signer, clock, random: systemRandom }), TypeError)
    }
  })

  test('only by a signer whose id and key the reader would accept', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await assert.rejects(makeDataKey({ statement: verified, signer: { id: signer.id, privateKey }, clock, random: systemRandom }), TypeError)
    const nameless = { id: 'sig_1' as typeof signer.id, privateKey: signer.privateKey }
    await assert.rejects(makeDataKey({ statement: verified, signer: nameless, clock, random: systemRandom }), TypeError)
  })

  test('and its bytes are wiped where they were drawn', async () => {
    const drawn: Uint8Array[] = []
    const random: Random = { bytes: (length) => { const bytes = systemRandom.bytes(length); drawn.push(bytes); return bytes } }
    await makeDataKey({ statement: verified, signer, clock, random })
    const key = drawn.find((bytes) => bytes.length === 32)
    assert.ok(key?.every((byte) => byte === 0))
  })

  test('never from a source that gives another number of bytes than asked for', async () => {
    const random: Random = { bytes: (length) => new Uint8Array(length === 32 ? 16 : length) }
    await assert.rejects(makeDataKey({ statement: verified, signer, clock, random }), RangeError)
  })

  test('differently each time', async () => {
    const one = await makeDataKey({ statement: verified, signer, clock, random: systemRandom })
    const two = await makeDataKey({ statement: verified, signer, clock, random: systemRandom })
    assert.ok(!one.key.equals(two.key))
    assert.notEqual(one.id, two.id)
  })
})
