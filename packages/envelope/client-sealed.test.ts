import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { lengthPrefixed, Secret, type MerchantId } from '@ngome/kernel'
import { newSealingParties, type SealingParties } from '@ngome/testkit'
import fc from 'fast-check'
import { hpkeSuites } from './hpke-suites.ts'
import { deriveClientSealedKey, openClientSealed, parseClientSealed, suites, type MerchantKeyStatement, type SuiteName } from './mod.ts'

const format = 'ngome/client-sealed/v1'
const parties = { hybrid: await newSealingParties('hybrid'), fips: await newSealingParties('fips') }

/** Seals by the library's HPKE, as the format says. */
async function sealed({ statement, merchantKey }: SealingParties, plaintext: Uint8Array, type = 'phone'): Promise<Buffer> {
  const { suite: name, keyId, tenant } = statement
  const header = Buffer.concat([Buffer.from([1, suites[name].number]), Buffer.from(keyId)])
  const info = lengthPrefixed(format, suites[name].label, keyId, tenant.merchant, tenant.world, 'vault', type)
  const hpke = hpkeSuites[name]
  const recipient = await hpke.DeserializePublicKey(merchantKey.publicKey)
  const { encapsulatedSecret, exportedSecret } = await hpke.SendExport(recipient, Buffer.from(format), 32, { info })
  const cipher = createCipheriv('aes-256-gcm', exportedSecret, Buffer.alloc(12)).setAAD(header)
  return Buffer.concat([header, encapsulatedSecret, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

async function opened(of: SealingParties, bytes: Uint8Array, type = 'phone', changes: Partial<MerchantKeyStatement> = {}): Promise<string> {
  const parts = parseClientSealed(bytes)
  assert.ok(parts)
  const key = { ...of.statement, retention: 'vault', ...changes }
  const secret = await deriveClientSealedKey({ key, type, enc: parts.enc, privateKey: of.merchantKey.privateKey })
  return Buffer.from(openClientSealed(new Secret(secret), parts)).toString()
}

const padded = (value: string, size = 128, length = value.length): Buffer => {
  const bytes = Buffer.alloc(size)
  bytes.writeUInt16BE(length)
  bytes.write(value, 2, 'latin1')
  return bytes
}

for (const of of Object.values(parties)) {
  suite(`what a client sealed in ${of.statement.suite}`, () => {
    test('opens to the two halves together, in each size', async () => {
      for (const size of [128, 1_024, 8_192]) {
        const bytes = await sealed(of, padded('+256771234567', size))
        assert.equal(await opened(of, bytes), '+256771234567')
        assert.equal(parseClientSealed(bytes)?.isLong, size !== 128)
      }
    })

    test('opens under no other type, merchant, world, class or key id', async () => {
      const bytes = await sealed(of, padded('1'))
      const other = of === parties.hybrid ? parties.fips : parties.hybrid
      const swaps: readonly (readonly [string, Partial<MerchantKeyStatement>])[] = [
        ['text', {}], ['phone', { tenant: other.tenant }], ['phone', { tenant: { ...of.tenant, world: 'live' } }],
        ['phone', { retention: 'payment' }], ['phone', { keyId: other.statement.keyId }],
      ]
      for (const [type, changes] of swaps) await assert.rejects(opened(of, bytes, type, changes), { code: 'envelope/open_refused' })
    })

    test('opens in no suite but its key\'s own, whatever it says', async () => {
      const bytes = await sealed(of, padded('1'))
      const suiteOfOther = of === parties.hybrid ? 'fips' : 'hybrid'
      await assert.rejects(opened(of, bytes, 'phone', { suite: suiteOfOther }), { code: 'envelope/open_refused' })
    })
  })
}

const { hybrid } = parties
const malformed: readonly (readonly [string, Buffer])[] = [
  ['of no length', padded('', 128, 0)], ['longer than itself', padded('1', 128, 127)], ['with something behind it', padded('12', 128, 1)],
]
for (const [what, plaintext] of malformed) {
  test(`a value ${what} is refused`, async () => {
    await assert.rejects(opened(hybrid, await sealed(hybrid, plaintext)), { code: 'envelope/open_refused' })
  })
}

test('a key of another length opens nothing', async () => {
  const parts = parseClientSealed(await sealed(hybrid, padded('1')))
  assert.ok(parts)
  assert.throws(() => openClientSealed(new Secret(randomBytes(16)), parts), { code: 'envelope/open_refused' })
  assert.throws(() => openClientSealed(new Secret(randomBytes(32)), parts), { code: 'envelope/open_refused' })
})

test('a type that cannot be one is a bug of ours', async () => {
  const { statement, merchantKey: { privateKey } } = hybrid
  for (const type of ['', 'Phone', 'a'.repeat(33), 'a\0']) {
    await assert.rejects(deriveClientSealedKey({ key: statement, type, enc: new Uint8Array(1120), privateKey }), TypeError)
  }
})

test('what has not that shape is none', async () => {
  const whole = await sealed(hybrid, padded('1'))
  const point = await sealed(parties.fips, padded('1'))
  point[32] = 0x06
  const others = [
    Buffer.alloc(0), whole.subarray(1), whole.subarray(0, -1), Buffer.concat([whole, Buffer.alloc(1)]), Buffer.concat([whole, Buffer.alloc(1_024)]),
    await sealed(hybrid, Buffer.alloc(0)), await sealed(hybrid, padded('1', 9_216)), await sealed(hybrid, padded('1', 1_000)), point,
    Buffer.concat([Buffer.from([2]), whole.subarray(1)]), Buffer.concat([Buffer.from([1, 9]), whole.subarray(2)]),
    Buffer.concat([whole.subarray(0, 2), Buffer.from('dek'), whole.subarray(5)]),
  ]
  for (const [at, bytes] of others.entries()) assert.equal(parseClientSealed(bytes), undefined, String(at))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1_500 }), (bytes) => { parseClientSealed(bytes) }))
})

test('the frozen examples open as they are, for as long as there is a vault', async () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'vault-sealing.md'), 'utf8')
  const examples = [...page.matchAll(/```json\n([\s\S]+?)\n```/g)].map(([, text]) => JSON.parse(text ?? '') as Example)
  assert.equal(examples.length, 2)
  for (const { suite: name, type, value, sealed: lines, merchantPrivateKey } of examples) {
    const parts = parseClientSealed(Buffer.from(typeof lines === 'string' ? lines : lines.join(''), 'base64url'))
    assert.ok(parts)
    const key = {
      keyId: parts.merchantKeyId, suite: name, tenant: { merchant: 'mer_01jgfhz8000000000000000001' as MerchantId, world: 'test' as const }, retention: 'vault',
    }
    const secret = await deriveClientSealedKey({ key, type, enc: parts.enc, privateKey: new Secret(Buffer.from(merchantPrivateKey, 'hex')) })
    assert.equal(Buffer.from(openClientSealed(new Secret(secret), parts)).toString(), value)
  }
})

type Example = {
  readonly suite: SuiteName; readonly type: string; readonly value: string; readonly sealed: string | readonly string[]
  readonly merchantPrivateKey: string
}
