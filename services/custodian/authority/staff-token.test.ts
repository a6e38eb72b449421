import assert from 'node:assert/strict'
import { sign, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { staffEnrolmentBytes } from '@ngome/contracts'
import { ManualClock, systemRandom, toBase64Url } from '@ngome/kernel'
import { newCertificateRequest, parseCertificateRole } from '@ngome/runtime'
import { findStaff, retireStaffRow } from '../staff/staff-rows.ts'
import { serialOf } from '../testing/serial-of.ts'
import { TestCustodian, type Peer } from '../testing/test-custodian.ts'
import { newPerson, type Person } from '../testing/test-staff.ts'

type World = { test: TestCustodian; clock: ManualClock; amina: Person }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  return { test: custodian, clock, amina: await newPerson(custodian) }
}

function staffToken({ clock }: World, { id, privateKey }: Person, claims: object = {}): string {
  const whole = { role: 'operator', expiresAtMs: clock.nowMs() + 60_000, nonce: toBase64Url(systemRandom.bytes(16)), staff: id, ...claims }
  const body = toBase64Url(Buffer.from(JSON.stringify(whole), 'utf8'))
  return `${body}.${toBase64Url(sign(null, staffEnrolmentBytes(body), privateKey))}.staff`
}

async function enrolled(w: World, token: string): Promise<Peer & { readonly pem: string }> {
  const { csr } = await newCertificateRequest('operator')
  const { certificate } = await w.test.call(null, '/v1/enrol', { token, csr, signer: null })
  return { role: 'operator', serial: serialOf(certificate), pem: certificate }
}

async function retire({ test, clock }: World, { id }: Person): Promise<void> {
  await test.commit(async (transaction) => {
    const row = await findStaff(transaction, test.custodian.rowTagKey, id)
    assert.ok(row)
    await retireStaffRow(transaction, test.custodian.rowTagKey, row, clock.nowMs())
  })
}

test('a person\'s key enrols him as operator: the certificate names him, and so does the log of all that he does', async (t) => {
  const w = await world(t)
  const { pem, ...peer } = await enrolled(w, staffToken(w, w.amina))
  const certificate = new X509Certificate(pem)
  assert.equal(certificate.subject, `CN=operator ${w.amina.id}`)
  assert.equal(parseCertificateRole(certificate), 'operator')
  assert.match(String(w.test.lastLog(1)[0]?.['subject']), new RegExp(`${w.amina.id}$`))
  await assert.rejects(w.test.call(peer, '/v1/tenants', { after: null }))
  assert.equal(w.test.lastLog(1)[0]?.['caller'], `operator/${peer.serial}`, 'before the certificate is believed it is a serial number')
  await w.test.call(peer, '/v1/revoke-certificate', { serial: peer.serial })
  assert.equal(w.test.lastLog(1)[0]?.['caller'], `operator/${peer.serial}/${w.amina.id}`)
})

test('a renewed certificate is the same person\'s, and ends with his retirement', async (t) => {
  const w = await world(t)
  const first = await enrolled(w, staffToken(w, w.amina))
  const { csr } = await newCertificateRequest('operator')
  const { certificate } = await w.test.call({ role: 'operator', serial: first.serial }, '/v1/renew', { csr })
  const second = { role: 'operator', serial: serialOf(certificate) } as const
  assert.equal(new X509Certificate(certificate).subject, `CN=operator ${w.amina.id}`)
  await w.test.call(second, '/v1/staff', {})
  await retire(w, w.amina)
  for (const peer of [{ role: 'operator', serial: first.serial } as const, second]) {
    await assert.rejects(w.test.call(peer, '/v1/staff', {}), { code: 'custodian/refused' })
    assert.equal(w.test.lastLog(1)[0]?.['reason'], 'certificate_revoked')
  }
})

test('a certificate of a person whose row somebody changed is nobody\'s', async (t) => {
  const w = await world(t)
  const { serial } = await enrolled(w, staffToken(w, w.amina))
  w.test.db.prepare('UPDATE staff SET name = ?').run('Somebody')
  await assert.rejects(w.test.call({ role: 'operator', serial }, '/v1/staff', {}), { code: 'custodian/refused' })
})

test('a person who enrolled to read gets nothing that only the operator may, also not by a renewal', async (t) => {
  const w = await world(t)
  const { serial } = await enrolled(w, staffToken(w, w.amina, { role: 'auditor' }))
  const auditor = { role: 'auditor', serial } as const
  await w.test.call(auditor, '/v1/staff', {})
  const { csr } = await newCertificateRequest('operator')
  const renewed = { role: 'auditor', serial: serialOf((await w.test.call(auditor, '/v1/renew', { csr })).certificate) } as const
  for (const peer of [auditor, renewed, { role: 'operator', serial } as const]) {
    await assert.rejects(w.test.call(peer, '/v1/rotate-root-key', {}), { code: 'custodian/refused' })
  }
  assert.match(String(w.test.lastLog(2)[0]?.['caller']), new RegExp(`^auditor/${renewed.serial}`))
})

const attacks: readonly (readonly [string, string, (w: World) => string | Promise<string>])[] = [
  ['another role', 'token_role', (w) => staffToken(w, w.amina, { role: 'dispatcher' })],
  ['the custodian\'s role', 'token_role', (w) => staffToken(w, w.amina, { role: 'custodian' })],
  ['a token that has ended', 'token_expired', (w) => staffToken(w, w.amina, { expiresAtMs: w.clock.nowMs() })],
  ['a token for the far future', 'token_too_long_lived', (w) => staffToken(w, w.amina, { expiresAtMs: w.clock.nowMs() + 3_600_000 })],
  ['another person\'s key', 'token_forged', async (w) => staffToken(w, { id: w.amina.id, privateKey: (await newPerson(w.test)).privateKey })],
  ['an unknown person', 'token_forged', (w) => staffToken(w, w.amina, { staff: `stf_${'0'.repeat(26)}` })],
  ['a retired person', 'token_forged', async (w) => {
    await retire(w, w.amina)
    return staffToken(w, w.amina)
  }],
  ['no JSON', 'token_malformed', () => 'AAAA.AAAA.staff'],
  ['no base64url', 'token_malformed', (w) => staffToken(w, w.amina).replace(/\.[^.]+\.staff$/, '.!.staff')],
  ['a fourth part', 'token_malformed', (w) => `${staffToken(w, w.amina)}.more`],
  ['a claim too many', 'token_malformed', (w) => staffToken(w, w.amina, { more: 1 })],
  ['another mark', 'token_malformed', (w) => staffToken(w, w.amina).replace('.staff', '.stuff')],
  ['the launcher\'s token with the mark', 'token_malformed', (w) => `${w.test.token()}.staff`],
]
for (const [threat, reason, tokenOf] of attacks) {
  test(`refuses an enrolment by ${threat}`, async (t) => {
    const w = await world(t)
    await assert.rejects(enrolled(w, await tokenOf(w)), { code: 'custodian/enrolment_refused' })
    assert.equal(w.test.lastLog(1)[0]?.['reason'], reason)
  })
}

test('a token is used once', async (t) => {
  const w = await world(t)
  const token = staffToken(w, w.amina)
  await enrolled(w, token)
  await assert.rejects(enrolled(w, token), { code: 'custodian/enrolment_refused' })
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'token_used')
})
