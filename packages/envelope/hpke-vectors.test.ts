import assert from 'node:assert/strict'
import { createCipheriv, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { vectorsDir } from '@ngome/testkit'
import {
  AEAD_AES_128_GCM, AEAD_AES_256_GCM, AEAD_ChaCha20Poly1305, CipherSuite, KDF_HKDF_SHA256, KDF_HKDF_SHA384,
  KDF_HKDF_SHA512, KDF_SHAKE128, KDF_SHAKE256, KDF_TurboSHAKE128, KDF_TurboSHAKE256, KEM_DHKEM_P256_HKDF_SHA256,
  KEM_DHKEM_P384_HKDF_SHA384, KEM_DHKEM_P521_HKDF_SHA512, KEM_DHKEM_X25519_HKDF_SHA256, KEM_DHKEM_X448_HKDF_SHA512, KEM_ML_KEM_1024, KEM_ML_KEM_512,
  KEM_ML_KEM_768, KEM_MLKEM1024_P384, KEM_MLKEM768_P256, KEM_MLKEM768_X25519, type AEADFactory, type KDFFactory,
  type KEMFactory,
} from 'hpke'
import { hpkeSuites } from './hpke-suites.ts'

type Entry = {
  readonly kem_id: number
  readonly kdf_id: number
  readonly aead_id: number
  readonly info: string
  readonly skRm: string
  readonly pkRm: string
  readonly enc: string
}
type FullEntry = Entry & {
  readonly ikmR: string
  readonly encryptions: readonly { readonly aad: string; readonly ct: string; readonly pt: string }[]
  readonly exports: readonly { readonly exporter_context: string; readonly L: number; readonly exported_value: string }[]
}
type CondensedEntry = Entry & { readonly encryptions_accumulated: string; readonly exports_accumulated: string }

const folder = vectorsDir()
const skip = folder === undefined ? 'no third-party vectors: set NGOME_VECTORS' : false

const kems: Readonly<Record<number, KEMFactory>> = {
  0x0010: KEM_DHKEM_P256_HKDF_SHA256, 0x0012: KEM_DHKEM_P521_HKDF_SHA512, 0x0020: KEM_DHKEM_X25519_HKDF_SHA256,
  0x0011: KEM_DHKEM_P384_HKDF_SHA384, 0x0021: KEM_DHKEM_X448_HKDF_SHA512, 0x0040: KEM_ML_KEM_512, 0x0041: KEM_ML_KEM_768,
  0x0042: KEM_ML_KEM_1024, 0x0050: KEM_MLKEM768_P256, 0x0051: KEM_MLKEM1024_P384, 0x647a: KEM_MLKEM768_X25519,
}
const kdfs: Readonly<Record<number, KDFFactory>> = {
  0x0001: KDF_HKDF_SHA256, 0x0002: KDF_HKDF_SHA384, 0x0003: KDF_HKDF_SHA512, 0x0010: KDF_SHAKE128, 0x0011: KDF_SHAKE256,
  0x0012: KDF_TurboSHAKE128, 0x0013: KDF_TurboSHAKE256,
}
const aeads: Readonly<Record<number, AEADFactory>> = {
  0x0001: AEAD_AES_128_GCM, 0x0002: AEAD_AES_256_GCM, 0x0003: AEAD_ChaCha20Poly1305,
}

function suiteOf(entry: Entry): CipherSuite {
  const [kem, kdf, aead] = [kems[entry.kem_id], kdfs[entry.kdf_id], aeads[entry.aead_id]]
  assert.ok(kem && kdf && aead, `${entry.kem_id}/${entry.kdf_id}/${entry.aead_id}`)
  return new CipherSuite(kem, kdf, aead)
}

function load<T extends Entry>(file: string): readonly T[] {
  return JSON.parse(readFileSync(join(folder ?? '', 'hpke', file), 'utf8')) as T[]
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

suite('HPKE vectors', { skip }, () => {
  test('of draft-ietf-hpke-pq: all entries, among them the KEM, the KDF and the AEAD of data keys', async (t) => {
    const entries = load<FullEntry>('vectors-pq.json')
    const counts = { derived: 0, opened: 0, exported: 0, ours: 0 }
    for (const entry of entries) {
      const hpke = suiteOf(entry)
      if (hpke.KEM.id === hpkeSuites.hybrid.KEM.id) counts.ours++
      // Some entries derive from less input than RFC 9180 §7.1.3 asks for, which the library refuses.
      if (bytes(entry.ikmR).length >= hpke.KEM.Nsk) {
        const pair = await hpke.DeriveKeyPair(bytes(entry.ikmR))
        assert.deepEqual(Buffer.from(await hpke.SerializePublicKey(pair.publicKey)), bytes(entry.pkRm))
        counts.derived++
      }
      const privateKey = await hpke.DeserializePrivateKey(bytes(entry.skRm))
      const recipient = await hpke.SetupRecipient(privateKey, bytes(entry.enc), { info: bytes(entry.info) })
      for (const { aad, ct, pt } of entry.encryptions) {
        assert.deepEqual(Buffer.from(await recipient.Open(bytes(ct), bytes(aad))), bytes(pt))
        counts.opened++
      }
      for (const { exporter_context: context, L, exported_value: value } of entry.exports) {
        assert.deepEqual(Buffer.from(await recipient.Export(bytes(context), L)), bytes(value))
        counts.exported++
      }
    }
    assert.ok(entries.length > 0 && counts.derived > 0 && counts.opened > 0 && counts.exported > 0)
    assert.ok(counts.ours > 0, 'the KEM of data keys is among them')
    t.diagnostic(`${entries.length} entries (${counts.ours} with our KEM), ${counts.opened} openings, ${counts.exported} exports`)
  })

  test('of RFC 9180, with the KDF and AEAD of data keys, suite 2 whole among them: a thousand messages and exports each', async (t) => {
    const entries = load<CondensedEntry>('rfc9180-subset.json')
    let opened = 0
    for (const entry of entries) {
      const hpke = suiteOf(entry)
      const privateKey = await hpke.DeserializePrivateKey(bytes(entry.skRm))
      const recipient = await hpke.SetupRecipient(privateKey, bytes(entry.enc), { info: bytes(entry.info) })
      const sender = schedule(entry)
      const source = shakeSource()
      const sink = createHash('shake128', { outputLength: 16 })
      for (let sequence = 0; sequence < 1000; sequence++) {
        const [aad, plaintext] = [source(), source()]
        const ciphertext = sender.seal(sequence, aad, plaintext)
        sink.update(ciphertext)
        assert.deepEqual(Buffer.from(await recipient.Open(ciphertext, aad)), plaintext)
        opened++
      }
      assert.equal(sink.digest('hex'), entry.encryptions_accumulated)
      const exportSource = shakeSource()
      const exportSink = createHash('shake128', { outputLength: 16 })
      for (let length = 0; length < 1000; length++) {
        const context = exportSource()
        exportSink.update(length === 0 ? Buffer.alloc(0) : await recipient.Export(context, length))
      }
      assert.equal(exportSink.digest('hex'), entry.exports_accumulated)
    }
    assert.ok(entries.length > 0 && opened > 0)
    assert.ok(entries.every((entry) => entry.kdf_id === hpkeSuites.fips.KDF.id && entry.aead_id === hpkeSuites.fips.AEAD.id))
    assert.ok(entries.some((entry) => entry.kem_id === hpkeSuites.fips.KEM.id), 'suite 2 whole is among them')
    t.diagnostic(`${entries.length} entries, ${opened} openings`)
  })
})

/** How the Go project condenses the vectors: inputs of a random length, both drawn from SHAKE128 of nothing. */
function shakeSource(): () => Buffer {
  const stream = createHash('shake128', { outputLength: 1_000_000 }).digest()
  let at = 0
  return () => {
    const length = stream[at] ?? 0
    const drawn = stream.subarray(at + 1, at + 1 + length)
    at += 1 + length
    return drawn
  }
}

/** RFC 9180 §4.1 and §5.1 from node:crypto, the sender's side, since the library does not take an ephemeral key. */
function schedule(entry: Entry): { seal: (sequence: number, aad: Uint8Array, plaintext: Uint8Array) => Buffer } {
  const kemId = Buffer.concat([Buffer.from('KEM'), uint16(entry.kem_id)])
  const suiteId = Buffer.concat([Buffer.from('HPKE'), uint16(entry.kem_id), uint16(entry.kdf_id), uint16(entry.aead_id)])
  const dh = diffieHellmanOf(entry)
  const eae = extract(kemId, Buffer.alloc(0), 'eae_prk', dh)
  const shared = expand(kemId, eae, 'shared_secret', Buffer.concat([bytes(entry.enc), bytes(entry.pkRm)]), 32)
  const empty = Buffer.alloc(0)
  const context = Buffer.concat([
    Buffer.from([0]), extract(suiteId, empty, 'psk_id_hash', empty), extract(suiteId, empty, 'info_hash', bytes(entry.info)),
  ])
  const secret = extract(suiteId, shared, 'secret', empty)
  const key = expand(suiteId, secret, 'key', context, 32)
  const baseNonce = expand(suiteId, secret, 'base_nonce', context, 12)
  return {
    seal: (sequence, aad, plaintext) => {
      const nonce = Buffer.from(baseNonce)
      nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(aad)
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    },
  }
}

function diffieHellmanOf(entry: Entry): Buffer {
  if (entry.kem_id === 0x0020) {
    return diffieHellman({
      privateKey: createPrivateKey({ key: bytes(entry.skRm), format: 'raw-private', asymmetricKeyType: 'x25519' }),
      publicKey: createPublicKey({ key: bytes(entry.enc), format: 'raw-public', asymmetricKeyType: 'x25519' }),
    })
  }
  const [x, y] = [1, 33].map((at) => bytes(entry.enc).subarray(at, at + 32).toString('base64url'))
  const [px, py] = [1, 33].map((at) => bytes(entry.pkRm).subarray(at, at + 32).toString('base64url'))
  assert.ok(x !== undefined && y !== undefined && px !== undefined && py !== undefined)
  const curve = { kty: 'EC', crv: 'P-256' }
  return diffieHellman({
    privateKey: createPrivateKey({ key: { ...curve, x: px, y: py, d: bytes(entry.skRm).toString('base64url') }, format: 'jwk' }),
    publicKey: createPublicKey({ key: { ...curve, x, y }, format: 'jwk' }),
  })
}

function extract(suiteId: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer {
  return createHmac('sha256', salt).update('HPKE-v1').update(suiteId).update(label).update(ikm).digest()
}

/** One block of HKDF-Expand is enough here: 32 bytes at most. */
function expand(suiteId: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, length: number): Buffer {
  return createHmac('sha256', prk).update(uint16(length)).update('HPKE-v1').update(suiteId).update(label).update(info)
    .update(Buffer.from([1])).digest().subarray(0, length)
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}
