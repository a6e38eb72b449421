import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { ManualClock, systemRandom, toBase64Url } from '@ngome/kernel'
import { newCertificateRequest, parseCertificateRole, parsePublicKeyText, publicKeyText } from '@ngome/runtime'
import { serialOf } from '../testing/serial-of.ts'
import { TestCustodian } from '../testing/test-custodian.ts'

const startMs = 1_800_000_000_000
const minuteMs = 60_000
const signerText = () => publicKeyText(generateKeyPairSync('ed25519').publicKey)

async function open(t: { after(fn: () => void): void }): Promise<{ test: TestCustodian; clock: ManualClock }> {
  const clock = new ManualClock(startMs)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  return { test: custodian, clock }
}

test('a token becomes a certificate of its role, for this key, for a day, for both ends of TLS', async (t) => {
  const { test } = await open(t)
  const { csr, publicKey } = await newCertificateRequest('dispatcher')
  const answer = await test.call(null, '/v1/enrol', { token: test.token(), csr, signer: null })
  const certificate = new X509Certificate(answer.certificate)
  const authority = new X509Certificate(answer.authority)
  assert.ok(certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
  assert.ok(certificate.publicKey.equals(publicKey))
  assert.equal(parseCertificateRole(certificate), 'dispatcher')
  assert.equal(certificate.subject, 'CN=dispatcher')
  assert.equal(certificate.subjectAltName,
    'URI:spiffe://ngome.internal/dispatcher, DNS:localhost, IP Address:127.0.0.1, DNS:dispatcher.example')
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  assert.equal(certificate.ca, false)
  assert.equal(certificate.validFromDate.getTime(), startMs - minuteMs)
  assert.equal(certificate.validToDate.getTime(), startMs + 86_400_000)
  assert.equal(answer.signerId, null)
  assert.ok(parsePublicKeyText(answer.statementKey)?.equals(test.custodian.statementKey.publicKey))
})

test('an operator\'s certificate lasts an hour', async (t) => {
  const { test } = await open(t)
  const { certificate } = await test.enrol('operator')
  assert.equal(new X509Certificate(certificate).validToDate.getTime(), startMs + 3_600_000)
})

test('the authority signs certificates for ten years, and no authority below it', async (t) => {
  const { test } = await open(t)
  const authority = new X509Certificate(test.custodian.authority.pem)
  assert.equal(authority.ca, true)
  assert.equal(authority.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.equal(authority.validToDate.getTime(), startMs + 3650 * 86_400_000)
  assert.match(test.custodian.authority.certificate.toString('text'), /Path Length: 0|pathLength: 0|Path Length Constraint/i)
})

test('each certificate is on record, and its issue in the log', async (t) => {
  const { test } = await open(t)
  const gateway = await test.gateway()
  const row = test.db.prepare('SELECT * FROM certificates WHERE serial = ?').get(gateway.peer.serial)
  assert.equal(row?.['role'], 'gateway')
  assert.equal(row?.['signer'], gateway.signerId)
  assert.equal(serialOf(String(row?.['certificate'])), gateway.peer.serial)
  const [entry] = test.lastLog(1)
  assert.equal(entry?.['operation'], '/v1/enrol')
  assert.equal(entry?.['subject'], `gateway/${gateway.peer.serial} ${gateway.signerId}`)
})

test('each start of a gateway is a signer of its own', async (t) => {
  const { test } = await open(t)
  const [one, two] = [await test.gateway(), await test.gateway()]
  assert.notEqual(one.signerId, two.signerId)
  assert.equal(test.count('signers'), 2)
})

type TokenAttack = { readonly name: string; readonly reason: string; readonly token: (test: TestCustodian) => string }

const signed = (test: TestCustodian, body: string) =>
  `${body}.${createHmac('sha256', test.enrolmentKey).update(body).digest('base64url')}`
const json = (value: unknown) => toBase64Url(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
const claims = { role: 'dispatcher', expiresAtMs: startMs + minuteMs, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' }

const tokenAttacks: readonly TokenAttack[] = [
  { name: 'nothing', reason: 'token_malformed', token: () => '' },
  { name: 'garbage', reason: 'token_malformed', token: () => '😀'.repeat(20) },
  { name: 'one part', reason: 'token_malformed', token: (test) => test.token().split('.')[0] ?? '' },
  { name: 'three parts', reason: 'token_malformed', token: (test) => `${test.token()}.AAAA` },
  { name: 'a tag that is not canonical base64url', reason: 'token_malformed', token: (test) => `${test.token()}=` },
  { name: 'a tag of another length', reason: 'token_forged', token: (test) => `${test.token().split('.')[0]}.AAAA` },
  { name: 'another key', reason: 'token_forged', token: (test) => test.token({}, systemRandom.bytes(32)) },
  { name: 'the tag of another token', reason: 'token_forged', token: (test) => `${test.token({ role: 'operator' }).split('.')[0]}.${test.token().split('.')[1]}` },
  { name: 'a body that is not JSON', reason: 'token_malformed', token: (test) => signed(test, json('{')) },
  { name: 'a body that is not base64url', reason: 'token_malformed', token: (test) => signed(test, '!!') },
  { name: 'a duplicate key', reason: 'token_malformed', token: (test) => signed(test, json(`{"role":"operator",${JSON.stringify(claims).slice(1)}`)) },
  { name: 'a further claim', reason: 'token_malformed', token: (test) => signed(test, json({ ...claims, admin: true })) },
  { name: 'no nonce', reason: 'token_malformed', token: (test) => signed(test, json({ role: 'dispatcher', expiresAtMs: startMs + 1 })) },
  { name: 'a short nonce', reason: 'token_malformed', token: (test) => test.token({ nonce: 'AAAA' }) },
  { name: 'an end that is no number', reason: 'token_malformed', token: (test) => signed(test, json({ ...claims, expiresAtMs: 'never' })) },
  { name: 'an end that has come', reason: 'token_expired', token: (test) => test.token({ expiresAtMs: startMs }) },
  { name: 'an end in more than ten minutes', reason: 'token_too_long_lived', token: (test) => test.token({ expiresAtMs: startMs + 11 * minuteMs + 1 }) },
  { name: 'the custodian\'s own role', reason: 'token_role', token: (test) => test.token({ role: 'custodian' }) },
  { name: 'a role that there is not', reason: 'token_role', token: (test) => test.token({ role: 'console' }) },
  { name: 'a role of the prototype', reason: 'token_role', token: (test) => test.token({ role: 'toString' }) },
]

for (const { name, reason, token } of tokenAttacks) {
  test(`refuses a token with ${name}`, async (t) => {
    const { test } = await open(t)
    const { csr } = await newCertificateRequest('dispatcher')
    const issued = test.count('certificates')
    await assert.rejects(test.call(null, '/v1/enrol', { token: token(test), csr, signer: null }), { code: 'custodian/enrolment_refused' })
    assert.equal(test.count('certificates'), issued)
    const [row] = test.lastLog(1)
    assert.deepEqual([row?.['outcome'], row?.['reason'], row?.['caller']], ['refused', reason, 'anonymous'])
  })
}

test('refuses a token that was used, also at once and after a restart', async (t) => {
  const { test } = await open(t)
  const { csr } = await newCertificateRequest('dispatcher')
  const body = { token: test.token(), csr, signer: null }
  const twice = await Promise.allSettled([test.call(null, '/v1/enrol', body), test.call(null, '/v1/enrol', body)])
  assert.deepEqual(twice.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  await test.reopen()
  await assert.rejects(test.call(null, '/v1/enrol', body), { code: 'custodian/enrolment_refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'token_used')
  assert.equal(test.count('certificates'), 1)
})

test('forgets used tokens only when they have long ended', async (t) => {
  const { test, clock } = await open(t)
  await test.enrol('dispatcher')
  clock.advance(7 * 86_400_000)
  await test.enrol('dispatcher')
  assert.equal(test.count('enrolment_nonces'), 2)
  clock.advance(1)
  await test.enrol('dispatcher')
  assert.equal(test.count('enrolment_nonces'), 2)
})

test('refuses an invalid body as an enrolment', async (t) => {
  const { test } = await open(t)
  const body = { token: test.token(), csr: 5 } as never
  await assert.rejects(test.call(null, '/v1/enrol', body), { code: 'custodian/enrolment_refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'request_invalid')
})

for (const role of ['dispatcher', 'operator'] as const) {
  test(`refuses a signer of ${role}: only a gateway seals`, async (t) => {
    const { test } = await open(t)
    await assert.rejects(test.enrol(role, signerText()), { code: 'custodian/enrolment_refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], 'signer_not_permitted')
    assert.equal(test.count('signers'), 0)
  })
}

test('refuses a gateway without a signer, or with one that is no Ed25519 key', async (t) => {
  const { test } = await open(t)
  for (const [signer, reason] of [[null, 'signer_missing'], ['AAAA', 'signer_refused']] as const) {
    await assert.rejects(test.enrol('gateway', signer), { code: 'custodian/enrolment_refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], reason)
  }
})

test('refuses the signing key of another process, and spends the token', async (t) => {
  const { test } = await open(t)
  const signer = signerText()
  await test.enrol('gateway', signer)
  const { csr } = await newCertificateRequest('gateway')
  const token = test.token({ role: 'gateway' })
  await assert.rejects(test.call(null, '/v1/enrol', { token, csr, signer }), { code: 'custodian/enrolment_refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'signer_refused')
  await assert.rejects(test.call(null, '/v1/enrol', { token, csr, signer: signerText() }), { code: 'custodian/enrolment_refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'token_used')
})
