import assert from 'node:assert/strict'
import { constants, createPrivateKey, createPublicKey, privateDecrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Random } from '@ngome/kernel'
import { vectorsDir } from '@ngome/testkit'
import { signMessage } from './sign-message.ts'

type Jwk = Readonly<Record<string, string>>
type Vector = { readonly comment: string; readonly jwe: string; readonly pt?: string; readonly result: string }
type Group = { readonly private: Jwk; readonly tests: readonly Vector[] }

const vectors = vectorsDir()
const skip = vectors === undefined ? 'no third-party vectors: set NGOME_VECTORS' : false

/** The valid ones whose header names this, taken apart (RFC 7516 §7.1). */
function valid(name: string): readonly { readonly group: Group; readonly vector: Vector; readonly parts: readonly Buffer[] }[] {
  const path = join(vectors ?? '', 'wycheproof', 'json_web_encryption_test.json')
  const { testGroups } = JSON.parse(readFileSync(path, 'utf8')) as { readonly testGroups: readonly Group[] }
  return testGroups.flatMap((group) => group.tests.map((vector) => ({ group, vector, parts: partsOf(vector.jwe) })))
    .filter(({ vector, parts: [header] }) => vector.result === 'valid' && header?.toString('utf8').includes(name) === true)
}

function partsOf(jwe: unknown): readonly Buffer[] {
  return typeof jwe === 'string' ? jwe.split('.').map((part) => Buffer.from(part, 'base64url')) : []
}

/** Gives these, one after the other. */
function given(...values: readonly Uint8Array[]): Random {
  const left = [...values]
  return { bytes: () => new Uint8Array(left.shift() ?? []) }
}

const openKey = (key: Jwk, sealed: Uint8Array): Buffer =>
  privateDecrypt({ key: createPrivateKey({ key, format: 'jwk' }), padding: constants.RSA_PKCS1_PADDING }, sealed)

test('Wycheproof: RSAES-PKCS1-v1_5, whose keys open theirs and ours', { skip }, () => {
  const cases = valid('"RSA1_5"')
  assert.ok(cases.length >= 7)
  for (const { group, parts: [, sealed = Buffer.alloc(0)] } of cases) {
    assert.ok([16, 24, 32, 48, 64].includes(openKey(group.private, sealed).length))
    const { kty = '', n = '', e = '' } = group.private
    const key = createPublicKey({ key: { kty, n, e }, format: 'jwk' })
    const signed = signMessage(Buffer.from('{}'), key, given(Buffer.alloc(32, 1), Buffer.alloc(16, 2)))
    const opened = openKey(group.private, Buffer.from(signed['x-key'], 'base64')).toString('latin1')
    assert.equal(opened, `${Buffer.alloc(32, 1).toString('base64')}:${Buffer.alloc(16, 2).toString('base64')}`)
  }
})

test('Wycheproof: AES-256-CBC, the same bytes from the same key', { skip }, () => {
  const cases = valid('"A256CBC-HS512"').filter(({ parts: [header] }) => header?.toString('utf8').includes('"RSA1_5"'))
  assert.ok(cases.length > 0)
  for (const { group, vector, parts: [, sealed = Buffer.alloc(0), iv = Buffer.alloc(0), ciphertext] } of cases) {
    // RFC 7518 §5.2.2.1: the second half of the content key encrypts.
    const secret = openKey(group.private, sealed).subarray(32)
    const { kty = '', n = '', e = '' } = group.private
    const key = createPublicKey({ key: { kty, n, e }, format: 'jwk' })
    const body = Buffer.from(vector.pt ?? '', 'hex')
    assert.ok(body.length > 0)
    assert.equal(signMessage(body, key, given(secret, iv))['x-signature'], ciphertext?.toString('base64'))
  }
})
