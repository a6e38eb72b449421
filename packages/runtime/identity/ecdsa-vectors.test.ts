import assert from 'node:assert/strict'
import { createPublicKey, verify, type KeyObject, type webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseBase64Url } from '@ngome/kernel'
import { vectorsDir } from '@ngome/testkit'

type Group = {
  readonly public?: webcrypto.JsonWebKey
  readonly tests: readonly { readonly tcId: number; readonly comment: string; readonly jws: string; readonly result: 'valid' | 'invalid' }[]
}

const folder = vectorsDir()
const skip = folder === undefined ? 'no third-party vectors: set NGOME_VECTORS' : false

/** ECDSA on P-256 with SHA-256 by the library that verifies our certificates, and as much of RFC 7515 as names the algorithm. */
function isSigned(jws: string, key: KeyObject): boolean {
  const [header = '', payload, signature = '', ...rest] = jws.split('.')
  if (payload === undefined || rest.length > 0) return false
  const bytes = parseBase64Url(signature)
  if (bytes === undefined || !/"alg":"ES256"/.test(Buffer.from(header, 'base64url').toString())) return false
  return verify('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' }, bytes)
}

test('Wycheproof: ECDSA P-256, as certificates and their requests are signed', { skip }, (t) => {
  const path = join(folder ?? '', 'wycheproof', 'json_web_signature_test.json')
  const { testGroups } = JSON.parse(readFileSync(path, 'utf8')) as { testGroups: readonly Group[] }
  const counts = { valid: 0, invalid: 0 }
  for (const { public: jwk, tests } of testGroups) {
    if (jwk?.alg !== 'ES256') continue
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    for (const { tcId, comment, jws, result } of tests) {
      assert.equal(isSigned(jws, key), result === 'valid', `vector ${tcId}: ${comment}`)
      counts[result]++
    }
  }
  assert.ok(counts.valid > 0 && counts.invalid > 20)
  t.diagnostic(`${counts.valid} signatures hold, ${counts.invalid} do not`)
})
