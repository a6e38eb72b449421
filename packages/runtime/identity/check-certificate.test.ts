import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault, processRoles, systemClock } from '@ngome/kernel'
import { TestAuthority, type IssueOptions } from '@ngome/testkit'
import { parseAuthorities } from './authority-bundle.ts'
import { newCertificateRequest } from './certificate-request.ts'
import { checkCertificate } from './check-certificate.ts'
import { parsePublicKeyText, publicKeyText } from './public-key-text.ts'
import { parseCertificateRole, spiffeId } from './spiffe.ts'

const authority = await TestAuthority.create()
const request = await newCertificateRequest('gateway')

const other = await newCertificateRequest('gateway')
const foreign = await TestAuthority.create()
const homonym = await TestAuthority.create('Another')
const now = systemClock.nowMs()
const refusals: readonly (readonly [claim: string, certificate: string, says: RegExp])[] = [
  ['another key', await authority.issue(other.csr, 'gateway'), /is for another key/],
  ['another role', await authority.issue(request.csr, 'custodian'), /is for another role/],
  ['two roles', await authority.issue(request.csr, 'gateway', { uris: processRoles.map(spiffeId) }), /is for another role/],
  ['an authority of the same name', await foreign.issue(request.csr, 'gateway'), /was not issued by the authority/],
  ['an authority of another name', await homonym.issue(request.csr, 'gateway'), /was not issued by the authority/],
  ['a life that is over', await authority.issue(request.csr, 'gateway', { notBefore: new Date(now - 9000), notAfter: new Date(now - 5000) }),
    /is not valid now/],
  ['a life that has not begun', await authority.issue(request.csr, 'gateway', { notBefore: new Date(now + 60_000) }), /is not valid now/],
  ['no form of a certificate', 'certificate', /not a certificate/],
  ['all faults', await foreign.issue(other.csr, 'custodian', { notBefore: new Date(now + 60_000) }),
    /not issued by the authority and is for another key and is for another role and is not valid now/],
]

async function issued(options: IssueOptions): Promise<X509Certificate> {
  return new X509Certificate(await authority.issue(request.csr, 'gateway', options))
}

describe('the role in a certificate', () => {
  test('is read from its only URI', async () => {
    for (const role of processRoles) assert.equal(parseCertificateRole(await issued({ uris: [spiffeId(role)] })), role)
  })

  const forgeries: readonly (readonly [claim: string, uris: readonly string[]])[] = [
    ['no URI', []],
    ['two URIs', [spiffeId('gateway'), spiffeId('custodian')]],
    ['the same URI twice', [spiffeId('gateway'), spiffeId('gateway')]],
    ['another trust domain', ['spiffe://ngome.example/gateway']],
    ['a longer trust domain', ['spiffe://ngome.internal.example/gateway']],
    ['a longer path', ['spiffe://ngome.internal/gateway/x']],
    ['a trailing slash', ['spiffe://ngome.internal/gateway/']],
    ['a query', ['spiffe://ngome.internal/gateway?x']],
    ['a fragment', ['spiffe://ngome.internal/gateway#x']],
    ['a port', ['spiffe://ngome.internal:1/gateway']],
    ['capitals', ['spiffe://ngome.internal/Gateway']],
    ['another scheme', ['https://ngome.internal/gateway']],
    ['an unknown role', ['spiffe://ngome.internal/root']],
    ['a property of every object', ['spiffe://ngome.internal/constructor']],
    ['a name that holds another', ['spiffe://ngome.internal/x, URI:spiffe://ngome.internal/gateway']],
    ['an empty path', ['spiffe://ngome.internal/']],
  ]
  for (const [claim, uris] of forgeries) {
    test(`is none with ${claim}`, async () => assert.equal(parseCertificateRole(await issued({ uris })), undefined))
  }

  test('is none where the common name alone says so', async () => {
    const certificate = await issued({ uris: [] })
    assert.match(certificate.subject, /CN=gateway/)
    assert.equal(parseCertificateRole(certificate), undefined)
  })
})

describe('an issued certificate', () => {
  const check = (certificate: string, from = authority) => checkCertificate({
    certificate, authorities: parseAuthorities(from.pem) ?? [], publicKey: request.publicKey, role: 'gateway', clock: systemClock,
  })

  test('is accepted for the key and the role that were asked for', async () => {
    assert.ok(check(await authority.issue(request.csr, 'gateway')).validToDate.getTime() > systemClock.nowMs())
  })

  for (const [claim, certificate, says] of refusals) {
    test(`is refused with ${claim}`, () => {
      assert.throws(() => check(certificate), (error) =>
        error instanceof Fault && error.code === 'custodian/enrolment_refused' && says.test(error.message))
    })
  }
})

describe('the text of a public key', () => {
  test('is read back as the same key', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    assert.ok(parsePublicKeyText(publicKeyText(publicKey))?.equals(publicKey))
  })

  test('is refused in any other form', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const text = publicKeyText(publicKey)
    for (const wrong of ['', 'x', `${text}A`, `${text}=`, ` ${text}`, text.slice(1)]) assert.equal(parsePublicKeyText(wrong), undefined)
  })

  test('is not made of a key of another kind', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    assert.throws(() => publicKeyText(ec.publicKey), TypeError)
    assert.throws(() => publicKeyText(createPublicKey(generateKeyPairSync('x25519').privateKey)), TypeError)
  })
})
