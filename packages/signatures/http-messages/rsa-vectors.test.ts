import assert from 'node:assert/strict'
import { constants, createPrivateKey, privateDecrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { vectorsDir } from '@ngome/testkit'
import { messageAlgorithmOf, parsePublicKey, verifyBytes } from './algorithms.ts'

type Case = { readonly tcId: number; readonly comment: string; readonly msg: string; readonly result: 'valid' | 'invalid' }
type PssGroup = { readonly publicKeyDer: string; readonly tests: readonly (Case & { readonly sig: string })[] }
type OaepGroup = { readonly privateKeyPkcs8: string; readonly tests: readonly (Case & { readonly ct: string; readonly label: string })[] }

const folder = vectorsDir()
const skip = folder === undefined ? 'no third-party vectors: set NGOME_VECTORS' : false
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

function groups<G>(file: string): readonly G[] {
  const { testGroups } = JSON.parse(readFileSync(join(folder ?? '', 'wycheproof', file), 'utf8')) as { testGroups: readonly G[] }
  return testGroups
}

/** Holds each vector against what was found; a file of nothing would prove nothing. */
async function hold(t: TestContext, cases: readonly Case[], holds: (at: number) => Promise<boolean> | boolean): Promise<void> {
  const counts = { valid: 0, invalid: 0 }
  for (const [at, { tcId, comment, result }] of cases.entries()) {
    assert.equal(await holds(at), result === 'valid', `vector ${tcId}: ${comment}`)
    counts[result]++
  }
  assert.ok(counts.valid > 5 && counts.invalid > 5)
  t.diagnostic(`${counts.valid} hold, ${counts.invalid} do not`)
}

test('Wycheproof: RSASSA-PSS with SHA-512, as merchants sign requests', { skip }, async (t) => {
  for (const { publicKeyDer, tests } of groups<PssGroup>('rsa_pss_4096_sha512_mgf1_64_test.json')) {
    const key = parsePublicKey(hex(publicKeyDer)) ?? assert.fail('the key of the vectors does not parse')
    assert.equal(messageAlgorithmOf(key), 'rsa-pss-sha512')
    await hold(t, tests, (at) => verifyBytes('rsa-pss-sha512', key, hex(tests[at]?.msg ?? ''), hex(tests[at]?.sig ?? '')))
  }
})

test('Wycheproof: RSAES-OAEP with SHA-256, as answers are encrypted to merchants', { skip }, async (t) => {
  for (const { privateKeyPkcs8, tests } of groups<OaepGroup>('rsa_oaep_3072_sha256_mgf1sha256_test.json')) {
    const key = createPrivateKey({ key: hex(privateKeyPkcs8), format: 'der', type: 'pkcs8' })
    await hold(t, tests, (at) => {
      const { ct = '', label = '', msg = '' } = tests[at] ?? {}
      try {
        const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: hex(label) }
        return privateDecrypt(oaep, hex(ct)).equals(hex(msg))
      } catch {
        return false
      }
    })
  }
})
