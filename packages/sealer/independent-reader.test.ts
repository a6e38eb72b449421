import assert from 'node:assert/strict'
import {
  createDecipheriv, createECDH, createHash, createHmac, createPrivateKey, createPublicKey, decapsulate, diffieHellman,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { VaultKey, type ValueType } from './mod.ts'

// A reader of what clients seal, written from docs/vault-sealing.md and docs/envelope-format.md alone, on Node's own
// primitives: it shares nothing with the sealer, and nothing with what opens in the product.

type Lines = string | readonly string[]
type Example = {
  readonly suite: 'hybrid' | 'fips'; readonly statementKey: string; readonly merchantPrivateKey: string; readonly statement: Lines
  readonly type: ValueType; readonly value: string; readonly sealed: Lines; readonly info: Lines; readonly key: string
}

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'vault-sealing.md'), 'utf8')
const examples = [...page.matchAll(/```json\n([\s\S]+?)\n```/g)].map(([, text]) => JSON.parse(text ?? '') as Example)
const joined = (lines: Lines): string => (typeof lines === 'string' ? lines : lines.join(''))
const labels = {
  hybrid: 'draft-ietf-hpke-pq-05/MLKEM768-X25519/HKDF-SHA-256/AES-256-GCM',
  fips: 'RFC9180/DHKEM-P256-HKDF-SHA-256/HKDF-SHA-256/AES-256-GCM',
}
const kems = { hybrid: 0x647a, fips: 0x0010 }
const encBytes = { hybrid: 1120, fips: 65 }

const u16 = (count: number): Buffer => Buffer.from([count >> 8, count & 0xff])
const hmac = (key: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Buffer =>
  parts.reduce<ReturnType<typeof createHmac>>((mac, part) => mac.update(part), createHmac('sha256', key)).digest()

function labeled(suiteId: Buffer) {
  return {
    extract: (salt: Uint8Array, label: string, ikm: Uint8Array) => hmac(salt, 'HPKE-v1', suiteId, label, ikm),
    expand: (prk: Uint8Array, label: string, info: Uint8Array) => hmac(prk, u16(32), 'HPKE-v1', suiteId, label, info, Buffer.from([1])),
  }
}

const none = Buffer.alloc(0)

const sharedSecret: Readonly<Record<Example['suite'], (privateKey: Buffer, enc: Buffer) => Buffer>> = {
  hybrid(seed, enc) {
    const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest()
    const mlkem = createPrivateKey({ key: expanded.subarray(0, 64), format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' })
    const x25519 = createPrivateKey({ key: expanded.subarray(64), format: 'raw-private', asymmetricKeyType: 'x25519' })
    const theirs = enc.subarray(1088)
    const publicKey = createPublicKey({ key: theirs, format: 'raw-public', asymmetricKeyType: 'x25519' })
    return createHash('sha3-256').update(decapsulate(mlkem, enc.subarray(0, 1088))).update(diffieHellman({ privateKey: x25519, publicKey }))
      .update(theirs).update(createPublicKey(x25519).export({ format: 'raw-public' })).update('\\.//^\\').digest()
  },
  fips(scalar, enc) {
    const own = createECDH('prime256v1')
    own.setPrivateKey(scalar)
    const { extract, expand } = labeled(Buffer.concat([Buffer.from('KEM'), u16(kems.fips)]))
    return expand(extract(none, 'eae_prk', own.computeSecret(enc)), 'shared_secret', Buffer.concat([enc, own.getPublicKey()]))
  },
}

function read(of: Pick<Example, 'suite' | 'type'>, privateKey: Buffer, tenant: readonly [string, string], sealed: Buffer) {
  const header = sealed.subarray(0, 32)
  const enc = sealed.subarray(32, 32 + encBytes[of.suite])
  const info = Buffer.concat(['ngome/client-sealed/v1', labels[of.suite], header.toString('latin1', 2), ...tenant, 'vault', of.type]
    .flatMap((field) => [u16(0), u16(field.length), Buffer.from(field)]))
  const { extract, expand } = labeled(Buffer.concat([Buffer.from('HPKE'), u16(kems[of.suite]), u16(1), u16(2)]))
  const context = Buffer.concat([Buffer.alloc(1), extract(none, 'psk_id_hash', none), extract(none, 'info_hash', info)])
  const secret = extract(sharedSecret[of.suite](privateKey, enc), 'secret', none)
  const key = expand(expand(secret, 'exp', context), 'sec', Buffer.from('ngome/client-sealed/v1'))
  const cipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(header).setAuthTag(sealed.subarray(-16))
  const plaintext = Buffer.concat([cipher.update(sealed.subarray(32 + enc.length, -16)), cipher.final()])
  const length = plaintext.readUInt16BE()
  assert.ok(plaintext.subarray(2 + length).every((byte) => byte === 0))
  return { info, key, header, size: plaintext.length, value: plaintext.toString('utf8', 2, 2 + length) }
}

suite('the frozen examples', () => {
  test('are one of each suite', () => {
    assert.deepEqual(examples.map((one) => one.suite), ['hybrid', 'fips'])
  })
  for (const example of examples) {
    const tenant = ['mer_01jgfhz8000000000000000001', 'test'] as const
    test(`of ${example.suite} opens, by each value on the way`, () => {
      const sealed = Buffer.from(joined(example.sealed), 'base64url')
      const { info, key, header, size, value } = read(example, Buffer.from(example.merchantPrivateKey, 'hex'), tenant, sealed)
      assert.deepEqual([info.toString('hex'), key.toString('hex'), value, size], [joined(example.info), example.key, example.value, 128])
      assert.equal(header.toString('hex', 0, 2), example.suite === 'hybrid' ? '0101' : '0102')
    })

    test(`of ${example.suite} names a key that the sealer takes, and what it seals to that opens as well`, async () => {
      const [merchant, world] = tenant
      const expected = { statementKey: example.statementKey, merchant, world, suites: [example.suite], nowMs: 20_089 * 86_400_000 }
      const key = await VaultKey.verify(joined(example.statement), expected)
      const sealed = Buffer.from(await key.seal('text', 'é'.repeat(512)), 'base64url')
      const { size, value } = read({ suite: example.suite, type: 'text' }, Buffer.from(example.merchantPrivateKey, 'hex'), tenant, sealed)
      assert.deepEqual([size, value], [2_048, 'é'.repeat(512)])
    })
  }
})
