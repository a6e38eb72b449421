import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { parseCertificateRole, x509 } from '@ngome/runtime'
import fc from 'fast-check'
import { TestCustodian } from '../testing/test-custodian.ts'
import { parseCertificateRequest } from './certificate-request.ts'

type Algorithm = { readonly name: string; readonly namedCurve?: string; readonly hash?: string; readonly [more: string]: unknown }

const p256: Algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function request(algorithm: Algorithm = p256, more: object = {}) {
  const keys = await crypto.subtle.generateKey(algorithm as never, true, ['sign', 'verify'])
  return x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=gateway', keys, signingAlgorithm: algorithm, ...more })
}

test('takes a P-256 key whose holder signed for it', async () => {
  const csr = await request()
  const key = await parseCertificateRequest(csr.toString('pem'))
  assert.ok(key?.export({ format: 'der', type: 'spki' }).equals(Buffer.from(csr.publicKey.rawData)))
})

type Attack = { readonly name: string; readonly pem: () => Promise<string> }

const attacks: readonly Attack[] = [
  { name: 'nothing', pem: async () => '' },
  { name: 'garbage', pem: async () => 'garbage' },
  { name: 'garbage in a frame', pem: async () => '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n' },
  { name: 'a frame of another kind', pem: async () => (await request()).toString('pem').replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE') },
  { name: 'base64 without its frame', pem: async () => (await request()).toString('base64') },
  { name: 'two requests', pem: async () => `${(await request()).toString('pem')}\n${(await request()).toString('pem')}` },
  { name: 'P-384', pem: async () => (await request({ ...p256, namedCurve: 'P-384' })).toString('pem') },
  { name: 'SHA-512', pem: async () => (await request({ ...p256, hash: 'SHA-512' })).toString('pem') },
  { name: 'Ed25519', pem: async () => (await request({ name: 'Ed25519' })).toString('pem') },
  {
    name: 'RSA',
    pem: async () => (await request({
      name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: Uint8Array.of(1, 0, 1), modulusLength: 2048,
    })).toString('pem'),
  },
  {
    name: 'a signature with a flipped bit',
    pem: async () => {
      const bytes = Buffer.from((await request()).rawData)
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      return x509.PemConverter.encode(bytes, 'CERTIFICATE REQUEST')
    },
  },
  {
    name: 'the key of somebody else',
    pem: async () => {
      const [mine, theirs] = [await request(), await request()]
      const bytes = Buffer.from(mine.rawData)
      const key = Buffer.from(mine.publicKey.rawData)
      bytes.set(Buffer.from(theirs.publicKey.rawData), bytes.indexOf(key))
      return x509.PemConverter.encode(bytes, 'CERTIFICATE REQUEST')
    },
  },
]

for (const { name, pem } of attacks) {
  test(`refuses ${name}`, async (t) => {
    assert.equal(await parseCertificateRequest(await pem()), undefined)
    const test = await TestCustodian.open()
    t.after(() => test.remove())
    const token = test.token()
    const csr = await pem()
    await assert.rejects(test.call(null, '/v1/enrol', { token, csr, signer: null }), { code: 'custodian/enrolment_refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], 'csr_refused')
    const dispatcher = await test.peer('dispatcher')
    await assert.rejects(test.call(dispatcher, '/v1/renew', { csr }), { code: 'custodian/refused' })
    const gateway = await test.peer('gateway')
    await assert.rejects(test.call(gateway, '/v1/public-certificate', { csr }), { code: 'custodian/refused' })
    assert.deepEqual(test.lastLog(1).map((row) => row['reason']), ['csr_refused'])
  })
}

test('no bytes make it throw, or take a key that nobody signed for', async () => {
  const frame = (bytes: Uint8Array) => x509.PemConverter.encode(bytes, 'CERTIFICATE REQUEST')
  const csr = await request()
  const genuine = Buffer.from(csr.rawData)
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(genuine.length - 1), fc.integer({ min: 1, max: 255 }), async (bytes, at, mask) => {
    assert.equal(await parseCertificateRequest(frame(bytes)), undefined)
    const changed = Buffer.from(genuine)
    changed[at] = (changed[at] ?? 0) ^ mask
    // Bits that mean nothing, such as the count of unused bits, may change; the key may not.
    const key = await parseCertificateRequest(frame(changed))
    if (key !== undefined) assert.ok(key.export({ format: 'der', type: 'spki' }).equals(Buffer.from(csr.publicKey.rawData)))
  }), { numRuns: 60 })
})

test('ignores the names and extensions that a request asks for', async (t) => {
  const test = await TestCustodian.open()
  t.after(() => test.remove())
  const csr = await request(p256, {
    name: 'CN=operator, O=Evil',
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: 'spiffe://ngome.internal/operator' }, { type: 'dns', value: 'evil.example' },
      ]),
      new x509.BasicConstraintsExtension(true, 9, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  const answer = await test.call(null, '/v1/enrol', { token: test.token(), csr: csr.toString('pem'), signer: null })
  const certificate = new X509Certificate(answer.certificate)
  assert.equal(parseCertificateRole(certificate), 'dispatcher')
  assert.equal(certificate.subject, 'CN=dispatcher')
  assert.equal(certificate.ca, false)
  assert.doesNotMatch(certificate.subjectAltName ?? '', /evil|operator/)
})
