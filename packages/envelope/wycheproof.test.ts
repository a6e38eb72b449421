import assert from 'node:assert/strict'
import {
  createCipheriv, createDecipheriv, createECDH, createHmac, createPrivateKey, createPublicKey, createSecretKey,
  decapsulate, diffieHellman, type KeyObject,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { vectorsDir } from '@ngome/testkit'
import { KDF_HKDF_SHA256, KEM_DHKEM_P256_HKDF_SHA256 } from 'hpke'
import { isSignedEd25519 } from './ed25519.ts'
import { deriveRecordKey, suites } from './mod.ts'

type Vector = {
  readonly tcId: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags: readonly string[]
} & Readonly<Record<string, string>>
type Group = Readonly<Record<string, unknown>> & { readonly tests: readonly Vector[] }

const folder = vectorsDir()
const skip = folder === undefined ? 'no third-party vectors: set NGOME_VECTORS' : false

/** Runs each vector of the groups that match, and fails when there was none: a runner that sees nothing proves nothing. */
function runAll(file: string, match: Readonly<Record<string, unknown>>, check: (vector: Vector, group: Group) => void): number {
  const { testGroups } = JSON.parse(readFileSync(join(folder ?? '', 'wycheproof', file), 'utf8')) as { testGroups: Group[] }
  const groups = testGroups.filter((group) => Object.entries(match).every(([key, value]) => group[key] === value))
  const vectors = groups.flatMap((group) => group.tests.map((vector) => ({ vector, group })))
  for (const { vector, group } of vectors) {
    try {
      check(vector, group)
    } catch (error) {
      throw new Error(`${file}, vector ${vector.tcId} (${vector.result}): ${vector['comment'] ?? ''}`, { cause: error })
    }
  }
  assert.ok(vectors.length > 0, `${file} gave no vector`)
  return vectors.length
}

function bytes(hex: string | undefined): Buffer {
  return Buffer.from(hex ?? '', 'hex')
}

/** @returns what `make` gives, or `undefined` where it throws */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

suite('Wycheproof', { skip }, () => {
  test('AES-256-GCM with the nonce and tag lengths of a record', (t) => {
    const count = runAll('aes_gcm_test.json', { keySize: 256, ivSize: 96, tagSize: 128 }, (vector) => {
      const options = { authTagLength: 16 }
      const [key, nonce, aad, message] = [vector['key'], vector['iv'], vector['aad'], vector['msg']].map(bytes)
      assert.ok(key && nonce && aad && message)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, options)
      decipher.setAAD(aad)
      decipher.setAuthTag(bytes(vector['tag']))
      const opened = decipher.update(bytes(vector['ct']))
      const isOpened = attempt(() => decipher.final()) !== undefined
      assert.equal(isOpened, vector.result === 'valid')
      if (vector.result !== 'valid') return
      assert.deepEqual(opened, message)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, options)
      cipher.setAAD(aad)
      assert.deepEqual(cipher.update(message), bytes(vector['ct']))
      cipher.final()
      assert.deepEqual(cipher.getAuthTag(), bytes(vector['tag']))
    })
    t.diagnostic(`${count} vectors`)
  })

  test('HMAC-SHA-512, by the derivation of record keys where the message is long enough to end in a salt', (t) => {
    let derived = 0
    const check = (vector: Vector, group: Group): void => {
      const key = createSecretKey(bytes(vector['key']))
      const message = bytes(vector['msg'])
      const isLong = message.length >= 32
      if (isLong) derived++
      const mac = isLong
        ? deriveRecordKey(key, message.subarray(0, -32), message.subarray(-32))
        : createHmac('sha512', key).update(message).digest()
      const isEqual = Buffer.from(mac.subarray(0, Number(group['tagSize']) / 8)).equals(bytes(vector['tag']))
      assert.equal(isEqual, vector.result === 'valid')
    }
    const count = runAll('hmac_sha512_test.json', {}, check)
    assert.ok(derived > 0)
    t.diagnostic(`${count} vectors, ${derived} of them by deriveRecordKey`)
  })

  test('HMAC-SHA-256, of HPKE and blinded values', (t) => {
    const count = runAll('hmac_sha256_test.json', {}, (vector, group) => {
      const mac = createHmac('sha256', bytes(vector['key'])).update(bytes(vector['msg'])).digest()
      const isEqual = mac.subarray(0, Number(group['tagSize']) / 8).equals(bytes(vector['tag']))
      assert.equal(isEqual, vector.result === 'valid')
    })
    t.diagnostic(`${count} vectors`)
  })

  test('HKDF-SHA-256, by the KDF that both suites name', async (t) => {
    const kdf = KDF_HKDF_SHA256()
    const vectors: Vector[] = []
    runAll('hkdf_sha256_test.json', {}, (vector) => { vectors.push(vector) })
    let refused = 0
    for (const vector of vectors) {
      const prk = await kdf.Extract(bytes(vector['salt']), bytes(vector['ikm']))
      const expanded = kdf.Expand(prk, bytes(vector['info']), Number(vector['size']))
      if (vector.result === 'invalid') {
        refused++
        await assert.rejects(expanded, `vector ${vector.tcId}`)
      } else assert.deepEqual(Buffer.from(await expanded), bytes(vector['okm']), `vector ${vector.tcId}`)
    }
    assert.ok(refused > 0)
    t.diagnostic(`${vectors.length} vectors, ${refused} of them refused`)
  })

  test('ECDH P-256, by suite 2’s own decapsulation: the shared point is right, and a bad one is refused', async (t) => {
    const kem = KEM_DHKEM_P256_HKDF_SHA256()
    const vectors: Vector[] = []
    runAll('ecdh_secp256r1_ecpoint_test.json', {}, (vector) => { vectors.push(vector) })
    let refused = 0
    for (const vector of vectors) {
      const scalar = Buffer.from((vector['private'] ?? '').padStart(64, '0').slice(-64), 'hex')
      const enc = bytes(vector['public'])
      // A compressed point may be taken, says Wycheproof; RFC 9180 §7.1.1 does not know it, and no `enc` of ours is so short.
      if (enc.length !== suites.fips.kem.encBytes) {
        refused++
        assert.notEqual(vector.result, 'valid')
        continue
      }
      const decapsulated = kem.Decap(enc, await kem.DeserializePrivateKey(scalar, true), undefined)
      if (vector.result === 'valid') {
        assert.deepEqual(Buffer.from(await decapsulated), dhkem(bytes(vector['shared']), enc, scalar), `vector ${vector.tcId}`)
      } else {
        refused++
        await assert.rejects(decapsulated, `vector ${vector.tcId}`)
      }
    }
    assert.ok(refused > 20 && vectors.length - refused > 300)
    t.diagnostic(`${vectors.length} vectors, ${refused} of them refused`)
  })

  test('Ed25519, as statements and data keys are verified', (t) => {
    const count = runAll('ed25519_test.json', {}, (vector, group) => {
      const publicKey = createPublicKey({ key: bytes(group['publicKeyDer'] as string), format: 'der', type: 'spki' })
      assert.equal(isSignedEd25519(bytes(vector['msg']), bytes(vector['sig']), publicKey), vector.result === 'valid')
    })
    t.diagnostic(`${count} vectors`)
  })

  test('X25519, half of the merchant key’s KEM', (t) => {
    let refused = 0
    const count = runAll('x25519_test.json', {}, (vector) => {
      const privateKey = createPrivateKey({ key: bytes(vector['private']), format: 'raw-private', asymmetricKeyType: 'x25519' })
      const publicKey = createPublicKey({ key: bytes(vector['public']), format: 'raw-public', asymmetricKeyType: 'x25519' })
      const shared = attempt(() => diffieHellman({ privateKey, publicKey }))
      // A shared secret of zeros comes from a point of low order; RFC 7748 §6.1 lets one refuse it, and OpenSSL does.
      if (vector.flags.includes('ZeroSharedSecret')) {
        refused++
        assert.equal(shared, undefined)
      } else {
        assert.deepEqual(shared, bytes(vector['shared']))
      }
    })
    assert.ok(refused > 0)
    t.diagnostic(`${count} vectors, ${refused} of them refused`)
  })

  test('ML-KEM-768, the other half', (t) => {
    let opened = 0
    const count = runAll('mlkem_768_test.json', { type: 'MLKEMTest' }, (vector) => {
      const privateKey = attempt(() => mlkemKey(bytes(vector['seed'])))
      const shared = privateKey && attempt(() => decapsulate(privateKey, bytes(vector['c'])))
      if (vector.result === 'invalid') return assert.equal(shared, undefined)
      opened++
      assert.deepEqual(shared && Buffer.from(shared), bytes(vector['K']))
      if (vector['ek'] !== undefined && privateKey !== undefined) {
        assert.deepEqual(createPublicKey(privateKey).export({ format: 'raw-public' }), bytes(vector['ek']))
      }
    })
    assert.ok(opened > 0)
    t.diagnostic(`${count} vectors, ${opened} of them opened`)
  })
})

/** RFC 9180 §4.1: the KEM's secret from the Diffie-Hellman value, by node:crypto alone. */
function dhkem(dh: Buffer, enc: Buffer, scalar: Buffer): Buffer {
  const own = createECDH('prime256v1')
  own.setPrivateKey(scalar)
  const suiteId = Buffer.from('KEM\x00\x10', 'latin1')
  const prk = createHmac('sha256', '').update('HPKE-v1').update(suiteId).update('eae_prk').update(dh).digest()
  return createHmac('sha256', prk).update(Buffer.of(0, 32)).update('HPKE-v1').update(suiteId).update('shared_secret')
    .update(enc).update(own.getPublicKey()).update(Buffer.of(1)).digest()
}

function mlkemKey(seed: Buffer): KeyObject {
  return createPrivateKey({ key: seed, format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' })
}
