import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  dataClasses, Fault, lengthPrefixed, newId, Secret, systemClock, systemRandom, worlds, type MerchantId, type Tenant,
} from '@ngome/kernel'
import { newSealingParties } from '@ngome/testkit'
import fc from 'fast-check'
import {
  deriveRecordKey, encodeRecordContext, openRecord, openSealedDataKey, parseBlob, parseRecordContext, parseSealedDataKey,
  sealRecord, suiteNames, verifyStatement, type DataKey, type RecordContext,
} from './mod.ts'

const parties = await newSealingParties()
const from = { clock: systemClock, random: systemRandom }

function text(first: string, rest: string, lengthMax: number): fc.Arbitrary<string> {
  const tail = fc.string({ unit: fc.constantFrom(...rest.split('')), maxLength: lengthMax - 1 })
  return fc.tuple(fc.constantFrom(...first.split('')), tail).map(([a, b]) => a + b)
}
const lower = 'abcdefghijklmnopqrstuvwxyz'
const idCharacters = `${lower}ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-`
const tenants: readonly Tenant[] = Array.from({ length: 3 }, () => newId('merchant', from))
  .flatMap((merchant: MerchantId) => worlds.map((world) => ({ merchant, world })))

const contexts: fc.Arbitrary<RecordContext> = fc.record({
  tenant: fc.constantFrom(...tenants),
  table: text(lower, `${lower}0123456789_`, 63),
  recordId: text(idCharacters, idCharacters, 64),
  dataClass: fc.constantFrom(...dataClasses),
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
}, { noNullPrototype: true })

/** Garbage, and what is nearly right: framed lists, and good values with bytes cut out and put in. */
function nearly(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const cut = fc.tuple(fc.nat(good.length), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
    .map(([at, count, put]) => Buffer.concat([good.subarray(0, at), put, good.subarray(at + count)]))
  const framed = fc.array(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 1300 })), { maxLength: 12 }).map((fields) => lengthPrefixed(...fields))
  return fc.oneof(fc.uint8Array({ maxLength: 3000 }), framed, cut)
}

function isRefusal(error: unknown): true {
  assert.ok(error instanceof Fault)
  return true
}

suite('for every context', () => {
  const keyOf = (tenant: Tenant): DataKey => ({ ...parties.dataKey, tenant })

  test('what is sealed opens, and opens in no other context', () => {
    fc.assert(fc.property(contexts, contexts, fc.uint8Array({ maxLength: 600 }), (context, other, plaintext) => {
      const blob = sealRecord(keyOf(context.tenant), context, plaintext, systemRandom)
      const salt = parseBlob(blob)?.salt
      assert.ok(salt)
      const keyFor = (at: RecordContext): Secret<Uint8Array> =>
        new Secret(deriveRecordKey(parties.dataKey.key, encodeRecordContext(at, 'hybrid'), salt))
      assert.deepEqual(Uint8Array.from(openRecord(keyFor(context), blob)), plaintext)
      if (JSON.stringify(context) !== JSON.stringify(other)) assert.throws(() => openRecord(keyFor(other), blob), isRefusal)
    }))
  })

  test('its bytes parse to it, and are what the kernel’s framing gives, whichever was encoded before', () => {
    fc.assert(fc.property(fc.array(contexts, { minLength: 1, maxLength: 5 }), (list) => {
      for (const context of [...list, ...list]) {
        const { tenant, table, recordId, dataClass, version } = context
        const encoded = encodeRecordContext(context, 'hybrid')
        assert.deepEqual(Buffer.from(encoded), Buffer.from(lengthPrefixed(
          'ngome/record/v1', 'HMAC-SHA-512/AES-256-GCM', tenant.world, tenant.merchant, table, recordId, dataClass, version,
        )))
        assert.deepEqual(parseRecordContext(encoded), { suite: 'hybrid', ...context })
      }
    }))
  })

  test('its bytes are its own: a later context does not change them', () => {
    fc.assert(fc.property(contexts, contexts, (one, two) => {
      const first = encodeRecordContext(one, 'hybrid')
      const before = Buffer.from(first)
      encodeRecordContext({ ...one, recordId: 'x'.repeat(one.recordId.length) }, 'hybrid')
      sealRecord(keyOf(one.tenant), one, new Uint8Array(1), systemRandom)
      encodeRecordContext(two, 'hybrid')
      assert.deepEqual(Buffer.from(first), before)
    }))
  })

  test('of more tenants than are kept ready, the bytes are right for each', () => {
    for (let count = 0; count < 4100; count++) {
      const tenant: Tenant = { merchant: newId('merchant', from), world: 'live' }
      const context: RecordContext = { tenant, table: 'payments', recordId: 'pay_1', dataClass: 'internal', version: 1 }
      assert.equal(parseRecordContext(encodeRecordContext(context, 'hybrid'))?.tenant.merchant, tenant.merchant)
    }
  })
})

suite('whatever the bytes', () => {
  const context: RecordContext = { tenant: parties.tenant, table: 'payments', recordId: 'pay_1', dataClass: 'restricted', version: 1 }
  const blob = sealRecord(parties.dataKey, context, Buffer.alloc(50), systemRandom)

  test('a context that parses encodes to the same bytes', () => {
    fc.assert(fc.property(nearly(encodeRecordContext(context, 'hybrid')), (bytes) => {
      const parsed = parseRecordContext(bytes)
      if (parsed !== undefined) assert.deepEqual(Buffer.from(encodeRecordContext(parsed, parsed.suite)), Buffer.from(bytes))
    }), { numRuns: 500 })
  })

  test('a blob parses or does not, and opens or is refused', () => {
    fc.assert(fc.property(nearly(blob), fc.uint8Array({ minLength: 0, maxLength: 70 }), (bytes, key) => {
      const parts = parseBlob(bytes)
      if (parts !== undefined) assert.equal(parts.salt.length + parts.commitment.length + parts.ciphertext.length + 32, bytes.length)
      assert.throws(() => openRecord(new Secret(key), bytes), isRefusal)
    }), { numRuns: 500 })
  })

  for (const suiteName of suiteNames) {
    test(`a sealed data key of ${suiteName} parses or does not, and opens or is refused`, async () => {
      const { dataKey: { sealed }, merchantKey: { privateKey }, signer } = await newSealingParties(suiteName)
      await fc.assert(fc.asyncProperty(nearly(sealed), async (bytes) => {
        parseSealedDataKey(bytes)
        if (Buffer.from(bytes).equals(sealed)) return
        for (const suite of suiteNames) {
          await assert.rejects(openSealedDataKey({ sealed: bytes, suite, privateKey, signerPublicKey: signer.publicKey }), isRefusal)
        }
      }), { numRuns: 200 })
    })
  }

  test('a statement is verified or refused', () => {
    fc.assert(fc.property(nearly(Buffer.alloc(1600, 1)), (bytes) => {
      assert.throws(() => verifyStatement(bytes, parties.custodian.publicKey), isRefusal)
    }), { numRuns: 200 })
  })
})
