import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { algorithms } from './algorithms.ts'

const repository = resolve(import.meta.dirname, '..', '..')
const envelope = 'packages/envelope/wycheproof.test.ts'
const airtel = 'services/dispatcher/connectors/airtel-money/wycheproof.test.ts'

/** A test, and where the vectors are that it takes: a file of third parties, or the document that has them. */
type Vectors = { readonly file: string; readonly test: string; readonly from: string }

/** For each algorithm of the inventory, the tests that hold it to somebody else's vectors. */
const vectors: Readonly<Record<string, readonly Vectors[]>> = {
  'algorithm/mlkem768-x25519': [
    { file: 'packages/envelope/hpke-vectors.test.ts', test: 'of draft-ietf-hpke-pq', from: 'vectors-pq.json' },
    { file: envelope, test: 'ML-KEM-768', from: 'mlkem_768_test.json' },
    { file: envelope, test: 'X25519', from: 'x25519_test.json' },
  ],
  'algorithm/dhkem-p256': [
    { file: 'packages/envelope/hpke-vectors.test.ts', test: 'of RFC 9180', from: 'rfc9180-subset.json' },
    { file: envelope, test: 'ECDH P-256', from: 'ecdh_secp256r1_ecpoint_test.json' },
  ],
  'algorithm/aes-256-gcm': [{ file: envelope, test: 'AES-256-GCM', from: 'aes_gcm_test.json' }],
  'algorithm/hmac-sha-512': [{ file: envelope, test: 'HMAC-SHA-512', from: 'hmac_sha512_test.json' }],
  'algorithm/hmac-sha-256': [{ file: envelope, test: 'HMAC-SHA-256', from: 'hmac_sha256_test.json' }],
  'algorithm/hkdf-sha-256': [{ file: envelope, test: 'HKDF-SHA-256', from: 'hkdf_sha256_test.json' }],
  'algorithm/ed25519': [{ file: envelope, test: 'Ed25519', from: 'ed25519_test.json' }],
  'algorithm/ecdsa-p256': [
    { file: 'packages/runtime/identity/ecdsa-vectors.test.ts', test: 'Wycheproof: ECDSA P-256', from: 'json_web_signature_test.json' },
  ],
  'algorithm/rsassa-pss-sha-512': [
    { file: 'packages/signatures/http-messages/rsa-vectors.test.ts', test: 'Wycheproof: RSASSA-PSS', from: 'rsa_pss_4096_sha512_mgf1_64_test.json' },
  ],
  'algorithm/rsaes-oaep-sha-256': [
    { file: 'packages/signatures/http-messages/rsa-vectors.test.ts', test: 'Wycheproof: RSAES-OAEP', from: 'rsa_oaep_3072_sha256_mgf1sha256_test.json' },
  ],
  'algorithm/rsaes-pkcs1-v1_5': [{ file: airtel, test: 'Wycheproof: RSAES-PKCS1-v1_5', from: 'json_web_encryption_test.json' }],
  'algorithm/aes-256-cbc': [{ file: airtel, test: 'Wycheproof: AES-256-CBC', from: 'json_web_encryption_test.json' }],
  'algorithm/sha-256': [{ file: 'packages/audit/vectors.test.ts', test: 'inclusion proofs', from: '\'merkle\', \'testdata\'' }],
  'algorithm/sha-1': [{ file: 'packages/runtime/ocsp/cert-id-digests.test.ts', test: 'SHA-1, which names certificates', from: 'FIPS 180-2' }],
  'algorithm/x25519': [{ file: envelope, test: 'X25519', from: 'x25519_test.json' }],
  // There are no published vectors of Shamir's scheme; another implementation, from the definition, stands in for them.
  'algorithm/shamir': [
    { file: 'services/custodian/root-keys/shares/shamir.test.ts', test: 'a root from its shares is what Shamir', from: 'FIPS 197' },
  ],
  'algorithm/scrypt': [{ file: 'services/custodian/root-keys/pkcs11/scrypt-vectors.test.ts', test: 'scrypt', from: 'RFC 7914' }],
  'algorithm/pbkdf2-hmac-sha-256': [
    { file: 'packages/store/scram-verifier.test.ts', test: 'PBKDF2-HMAC-SHA-256', from: 'RFC 7914' },
    { file: 'packages/store/scram-verifier.test.ts', test: 'SCRAM-SHA-256', from: 'RFC 7677' },
  ],
}

/** How the product's source names each algorithm of Node's; whatever is used under another name is not in the inventory. */
const calls: readonly { readonly pattern: RegExp; readonly of: (name: string) => string | undefined }[] = [
  { pattern: /createHash\('([^']+)'/g, of: (name) => ({ sha1: 'algorithm/sha-1', sha256: 'algorithm/sha-256' })[name] },
  { pattern: /createHmac\('([^']+)'/g, of: (name) => ({ sha256: 'algorithm/hmac-sha-256', sha512: 'algorithm/hmac-sha-512' })[name] },
  { pattern: /create(?:C|Dec)ipheriv\('([^']+)'/g, of: (name) => ({ 'aes-256-gcm': 'algorithm/aes-256-gcm', 'aes-256-cbc': 'algorithm/aes-256-cbc' })[name] },
  { pattern: /hkdfSync\('([^']+)'/g, of: (name) => ({ sha256: 'algorithm/hkdf-sha-256' })[name] },
  { pattern: /generateKeyPairSync\('([^']+)'/g, of: (name) => ({
    ed25519: 'algorithm/ed25519', x25519: 'algorithm/x25519', ec: 'algorithm/ecdsa-p256', rsa: 'algorithm/rsassa-pss-sha-512',
  })[name] },
  { pattern: /constants\.(RSA_[A-Z0-9_]+)/g, of: (name) => ({
    RSA_PKCS1_PSS_PADDING: 'algorithm/rsassa-pss-sha-512', RSA_PKCS1_PADDING: 'algorithm/rsaes-pkcs1-v1_5',
    RSA_PKCS1_OAEP_PADDING: 'algorithm/rsaes-oaep-sha-256',
  })[name] },
  { pattern: /alg: '(RSA[A-Z0-9-]*)'/g, of: (name) => ({ 'RSA-OAEP-256': 'algorithm/rsaes-oaep-sha-256' })[name] },
  { pattern: /pbkdf2Sync\(.*'([^']+)'\)/g, of: (name) => ({ sha256: 'algorithm/pbkdf2-hmac-sha-256' })[name] },
  { pattern: /(scryptSync)\(/g, of: () => 'algorithm/scrypt' },
  { pattern: /from '(shamir-secret-sharing)'/g, of: () => 'algorithm/shamir' },
  { pattern: /\{ name: '(ECDSA)', namedCurve: 'P-256', hash: 'SHA-256' \}/g, of: () => 'algorithm/ecdsa-p256' },
  { pattern: /\b(KEM_[A-Z0-9_]+)\b/g, of: (name) => ({
    KEM_MLKEM768_X25519: 'algorithm/mlkem768-x25519', KEM_DHKEM_P256_HKDF_SHA256: 'algorithm/dhkem-p256',
  })[name] },
]

/** What of these calls a source makes that the inventory does not have, and the algorithms that it uses. */
function usesOf(path: string, source: string): { readonly used: readonly string[]; readonly unknown: readonly string[] } {
  const found = calls.flatMap(({ pattern, of }) => [...source.matchAll(pattern)].map(([call, name = '']) => ({ call, ref: of(name) })))
  return {
    used: found.flatMap(({ ref }) => (ref === undefined ? [] : [ref])),
    unknown: found.flatMap(({ call, ref }) => (ref === undefined ? [`${path}: ${call}`] : [])),
  }
}

function sources(): readonly string[] {
  return globSync(['packages/**/*.ts', 'services/**/*.ts', 'cli/**/*.ts'], { cwd: repository, exclude: (path) => path.includes('node_modules') })
    .filter((path) => !/\.test\.ts$|\/testing\/|packages\/(?:testkit|verify)\//.test(path))
}

test('every algorithm in use is held to vectors of others, by a test that is there and reads them', () => {
  assert.deepEqual(Object.keys(vectors).toSorted(), algorithms.map(({ ref }) => ref).toSorted())
  for (const [ref, tests] of Object.entries(vectors)) {
    assert.ok(tests.length > 0, ref)
    for (const { file, test: name, from } of tests) {
      const text = readFileSync(join(repository, file), 'utf8')
      assert.match(text, new RegExp(`test\\([\`']${name}`), `${ref}: ${file} has no test "${name}"`)
      assert.ok(text.includes(from), `${ref}: ${file} does not read ${from}`)
    }
  }
})

test('no source uses an algorithm that the inventory does not have, and all of it is used somewhere', () => {
  const uses = sources().map((path) => usesOf(path, readFileSync(join(repository, path), 'utf8')))
  assert.deepEqual(uses.flatMap(({ unknown }) => unknown), [])
  assert.deepEqual([...new Set(uses.flatMap(({ used }) => used))].toSorted(), algorithms.map(({ ref }) => ref).toSorted())
})

test('an algorithm that joins without a row is seen', () => {
  for (const call of ['createHash(\'md5\')', 'createHmac(\'sha1\', key)', 'createCipheriv(\'aes-128-cbc\', key)', 'KEM_ML_KEM_768()']) {
    assert.equal(usesOf('x.ts', call).unknown.length, 1, call)
  }
})
