import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { tlsFindingCodes, type SeenCertificate, type TlsFindingCode, type TlsObservation } from '@ngome/contracts'
import { judgeTls, verdictOf, type TlsJudgement } from './judge-tls.ts'

const dayMs = 86_400_000
const nowMs = Date.parse('2026-06-01T00:00:00.000Z')
const pin = (letter: string): string => `${letter.repeat(42)}A=`

function certificate(change: Partial<SeenCertificate> = {}): SeenCertificate {
  return {
    subject: 'CN=api.example', issuer: 'CN=authority', serial: '01', spki: pin('L'), keyType: 'prime256v1', keyBits: null,
    signatureAlgorithm: 'ecdsa-with-SHA256', notBefore: new Date(nowMs - 10 * dayMs).toISOString(),
    notAfter: new Date(nowMs + 80 * dayMs).toISOString(), ...change,
  }
}
const authority = (change: Partial<SeenCertificate> = {}): SeenCertificate =>
  certificate({ subject: 'CN=authority', spki: pin('A'), notAfter: new Date(nowMs + 3_000 * dayMs).toISOString(), ...change })

function observation(change: Partial<TlsObservation> = {}): TlsObservation {
  return {
    name: 'api.example', port: 443, oldVersions: { 'TLSv1': 'refused', 'TLSv1.1': 'refused', 'TLSv1.2': 'refused' }, refusal: null,
    suites: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'], groups: ['X25519MLKEM768', 'X25519'],
    chain: [certificate(), authority()], hsts: 'max-age=31536000; includeSubDomains', mustStaple: false, isStapled: false, ...change,
  }
}
const judgement: TlsJudgement = { nowMs, previous: undefined, isRenewedByItself: false }
const codes = (change: Partial<TlsObservation>, from: Partial<TlsJudgement> = {}): TlsFindingCode[] =>
  judgeTls(observation(change), { ...judgement, ...from }).map(({ code }) => code)
const leafUntil = (days: number, lifeDays = 90): SeenCertificate[] => [certificate({
  notBefore: new Date(nowMs + (days - lifeDays) * dayMs).toISOString(), notAfter: new Date(nowMs + days * dayMs).toISOString(),
}), authority()]
const old = { 'TLSv1': 'refused', 'TLSv1.1': 'refused', 'TLSv1.2': 'refused' } as const
const planned = (days: number): Partial<TlsJudgement> =>
  ({ plannedRootChange: { date: new Date(nowMs + days * dayMs).toISOString().slice(0, 10), pin: pin('N') } })

test('what we promise is sound', () => {
  assert.deepEqual(codes({}), [])
  assert.equal(verdictOf([]), 'sound')
})

/** Each row is one thing that goes wrong with a public address. */
const table: readonly (readonly [string, Partial<TlsObservation>, Partial<TlsJudgement>, readonly TlsFindingCode[]])[] = [
  ['TLS 1.0 accepted', { oldVersions: { ...old, 'TLSv1': 'accepted' } }, {}, ['old_version_accepted']],
  ['TLS 1.2 accepted', { oldVersions: { ...old, 'TLSv1.2': 'accepted' } }, {}, ['old_version_accepted']],
  ['an old version that ends without a word', { oldVersions: { ...old, 'TLSv1.1': 'undecided' } }, {}, ['version_undecided']],
  ['TLS 1.3 refused', { refusal: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', chain: [] }, {}, ['tls_1_3_refused']],
  ['a suite that we do not offer', { suites: ['TLS_AES_128_CCM_8_SHA256'] }, {}, ['suite_unexpected']],
  ['a group that we do not offer', { groups: ['X25519', 'ffdhe2048'] }, {}, ['group_unexpected']],
  ['an authority that nobody trusts', { refusal: 'SELF_SIGNED_CERT_IN_CHAIN', chain: [] }, {}, ['chain_untrusted']],
  ['a certificate of another name', { refusal: 'ERR_TLS_CERT_ALTNAME_INVALID', chain: [] }, {}, ['name_missing']],
  ['a certificate that ended', { refusal: 'CERT_HAS_EXPIRED', chain: [] }, {}, ['expired']],
  ['a certificate of tomorrow', { refusal: 'CERT_NOT_YET_VALID', chain: [] }, {}, ['not_yet_valid']],
  ['a root that ended, which some clients do not look at', { chain: [certificate(), authority({ notAfter: new Date(nowMs).toISOString() })] }, {}, ['expired']],
  ['RSA of 2048 bits that we chose', { chain: [certificate({ keyType: 'rsa', keyBits: 2_048 }), authority()] }, {}, ['key_weak']],
  ['RSA of 1024 bits of an authority', { chain: [certificate(), authority({ keyType: 'rsa', keyBits: 1_024 })] }, {}, ['key_weak']],
  ['RSA of 2048 bits of an authority', { chain: [certificate(), authority({ keyType: 'rsa', keyBits: 2_048 })] }, {}, []],
  ['a curve below P-256', { chain: [certificate({ keyType: 'secp224r1' }), authority()] }, {}, ['key_weak']],
  ['a signature over SHA-1', { chain: [certificate({ signatureAlgorithm: 'sha1WithRSAEncryption' }), authority()] }, {}, ['signature_weak']],
  ['a signature over SHA-1 of a root, by itself', { chain: [certificate(), authority({ issuer: 'CN=authority', signatureAlgorithm: 'sha1WithRSAEncryption' })] }, {}, []],
  ['a signature by an algorithm without a name', { chain: [certificate({ signatureAlgorithm: 'unknown' }), authority()] }, {}, ['signature_weak']],
  ['31 days left', { chain: leafUntil(31) }, {}, []],
  ['30 days left', { chain: leafUntil(30) }, {}, ['expires_in_30_days']],
  ['7 days left', { chain: leafUntil(7) }, {}, ['expires_in_7_days']],
  ['30 days left of what renews itself', { chain: leafUntil(30) }, { isRenewedByItself: true }, []],
  ['26 days left of what should have renewed itself', { chain: leafUntil(26) }, { isRenewedByItself: true }, ['expires_in_30_days']],
  ['a day that renews itself', { chain: leafUntil(0.4, 1) }, { isRenewedByItself: true }, []],
  ['a day that should have renewed itself', { chain: leafUntil(0.25, 1) }, { isRenewedByItself: true }, ['expires_in_30_days']],
  ['a day that is nearly over', { chain: leafUntil(0.05, 1) }, { isRenewedByItself: true }, ['expires_in_7_days']],
  ['no HSTS', { hsts: null }, {}, ['hsts_missing']],
  ['HSTS of a day', { hsts: 'max-age=86400' }, {}, ['hsts_missing']],
  ['a stapled answer that is demanded and missing', { mustStaple: true }, {}, ['staple_missing']],
  ['a stapled answer that is demanded and there', { mustStaple: true, isStapled: true }, {}, []],
  ['a stapled answer that proves nothing', { isStapled: true, staple: 'over' }, {}, ['staple_flawed']],
  ['a stapled answer that says revoked', { isStapled: true, staple: 'revoked' }, {}, ['staple_flawed']],
  ['a stapled answer that is good', { mustStaple: true, isStapled: true, staple: 'good', namesResponder: true }, {}, []],
  ['a responder, and nothing stapled', { namesResponder: true }, {}, ['staple_absent']],
  ['another leaf', { chain: [certificate({ spki: pin('M') }), authority()] }, { previous: observation() }, []],
  ['another authority', { chain: [certificate(), authority({ spki: pin('B') })] }, { previous: observation() }, ['chain_changed']],
  ['another root above the same authority', { chain: [certificate(), authority(), authority({ spki: pin('R') })] }, { previous: observation() }, ['chain_changed']],
  ['a look at nothing before', {}, { previous: observation({ refusal: 'CERT_HAS_EXPIRED', chain: [] }) }, []],
  ['a chain of which no key is pinned', {}, { pins: [pin('P'), pin('Q')] }, ['pin_unmatched']],
  ['a chain of which one key is pinned', {}, { pins: [pin('P'), pin('A')] }, []],
  ['a planned root, far ahead', {}, planned(31), []],
  ['a planned root, a month ahead', {}, planned(30), ['root_change_due']],
  ['a planned root that did not come', {}, planned(-1), ['root_change_missed']],
  ['a planned root that came early', { chain: [certificate(), authority({ spki: pin('N') })] }, planned(20), []],
]
describe('finds', () => {
  for (const [claim, change, from, expected] of table) {
    test(`${claim}: ${expected.join(', ') || 'nothing'}`, () => { assert.deepEqual(codes(change, from), expected) })
  }
})

test('every finding that there is has a row here', () => {
  const found = new Set(table.flatMap(([, , , expected]) => expected))
  assert.deepEqual(tlsFindingCodes.filter((code) => !found.has(code)), ['not_reached'])
})

test('an alarm makes the verdict, a warning does not', () => {
  assert.equal(verdictOf([{ code: 'expires_in_30_days', detail: '' }]), 'sound')
  assert.equal(verdictOf([{ code: 'expires_in_30_days', detail: '' }, { code: 'key_weak', detail: '' }]), 'flawed')
  assert.equal(verdictOf([{ code: 'not_reached', detail: '' }]), 'not_reached')
})
