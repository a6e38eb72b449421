import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { StapleFailure } from '@ngome/contracts'
import { declinedOcspResponse, makeOcspResponse, OcspAuthority, ocspSigningUsage, type OcspAnswerOptions, type OcspIssued } from '@ngome/testkit'
import fc from 'fast-check'
import { proveOcspResponse } from './prove-ocsp-response.ts'

const dayMs = 86_400_000
const at = (ms: number): Date => new Date(Date.now() + ms)

let authority: OcspAuthority
let stranger: OcspAuthority
let leaf: OcspIssued
let other: OcspIssued
let delegate: OcspIssued
before(async () => {
  authority = await OcspAuthority.create()
  stranger = await OcspAuthority.create()
  leaf = await authority.issue()
  other = await authority.issue()
  delegate = await authority.issue({ usage: ocspSigningUsage, subject: 'CN=responder' })
})

const prove = (bytes: Uint8Array, nowMs = Date.now()) => proveOcspResponse(bytes, { leaf: leaf.certificate, issuer: authority.root.certificate, nowMs })
const made = (options: Partial<OcspAnswerOptions> = {}): Uint8Array =>
  makeOcspResponse({ leaf: leaf.certificate, issuer: authority.root.certificate, signer: authority.root, ...options })

const rsaSigner = async (rsaBits: number): Promise<Partial<OcspAnswerOptions>> =>
  ({ signer: await authority.issue({ usage: ocspSigningUsage, subject: 'CN=responder', rsaBits }), algorithmOid: '1.2.840.113549.1.1.11' })

/** Each row is an answer that somebody on the way, or somebody else's responder, could give. */
const attacks: readonly (readonly [string, StapleFailure, () => Uint8Array | Promise<Uint8Array>])[] = [
  ['about another certificate of the same authority', 'certificate_other', () => made({ leaf: other.certificate })],
  ['about the serial of another authority of the same name', 'certificate_other', () => made({ issuer: stranger.root.certificate })],
  ['that says it twice', 'certificate_other', () => made({ times: 2 })],
  ['that says nothing of any', 'certificate_other', () => made({ times: 0 })],
  ['of last week, good then, played again', 'over', () => made({ thisUpdate: at(-8 * dayMs), nextUpdate: at(-dayMs) })],
  ['of last week that ends now', 'over', () => made({ thisUpdate: at(-8 * dayMs), nextUpdate: at(0) })],
  ['without an end', 'endless', () => made({ nextUpdate: null })],
  ['that ends before it begins', 'endless', () => made({ thisUpdate: at(-dayMs), nextUpdate: at(-2 * dayMs) })],
  ['of tomorrow', 'not_yet', () => made({ thisUpdate: at(dayMs), nextUpdate: at(2 * dayMs) })],
  ['made tomorrow', 'not_yet', () => made({ producedAt: at(dayMs) })],
  ['signed with another key in the issuer\'s name', 'signature', () => made({ key: stranger.root.privateKey })],
  ['signed by another authority', 'responder_unproven', () => made({ signer: stranger.root, responderBy: 'key' })],
  ['signed by the leaf itself', 'responder_unproven', () => made({ signer: leaf })],
  ['signed by a certificate without the purpose', 'responder_unproven', () => made({ signer: other })],
  ['signed by a responder whose certificate has ended', 'responder_unproven', async () => made({
    signer: await authority.issue({ usage: ocspSigningUsage, subject: 'CN=responder', notBefore: at(-2 * dayMs), notAfter: at(-dayMs) }),
  })],
  ['signed by a responder of tomorrow', 'responder_unproven', async () => made({
    signer: await authority.issue({ usage: ocspSigningUsage, subject: 'CN=responder', notBefore: at(dayMs), notAfter: at(2 * dayMs) }),
  })],
  ['signed by a responder of another authority', 'responder_unproven', async () => made({ signer: await stranger.issue({ usage: ocspSigningUsage, subject: 'CN=responder' }) })],
  ['signed by a responder whose certificate is not sent', 'responder_unproven', () => made({ signer: delegate, isSignerSent: false })],
  ['with a stranger\'s certificate beside it', 'responder_unproven', () => made({ beside: stranger.root.certificate })],
  ['of a responder, signed with another key', 'signature', () => made({ signer: delegate, key: other.privateKey })],
  ['with an algorithm that is not the key\'s', 'algorithm', () => made({ algorithmOid: '1.2.840.113549.1.1.11' })],
  ['signed by a responder with a key of 1024 bits', 'responder_unproven', async () => made(await rsaSigner(1_024))],
  ['over SHA-1', 'algorithm', () => made({ algorithmOid: '1.2.840.10045.4.1' })],
  ['with an algorithm of the same key and another digest', 'signature', () => made({ algorithmOid: '1.2.840.10045.4.3.4' })],
  ['with a critical extension', 'critical_extension', () => made({ isCriticallyExtended: 'answer' })],
  ['with a critical extension of the certificate\'s status', 'critical_extension', () => made({ isCriticallyExtended: 'single' })],
  ['of a responder that does not know the certificate', 'unknown', () => made({ status: 'unknown' })],
  ['of a responder that says later', 'declined', () => declinedOcspResponse(3)],
  ['of a responder that says unauthorized', 'declined', () => declinedOcspResponse(6)],
  ['of another version', 'malformed', () => made({ version: 1 })],
  ['of nothing', 'malformed', () => new Uint8Array()],
  ['that is a page', 'malformed', () => Buffer.from('<html>sign in</html>')],
  ['with bytes behind it', 'malformed', () => Buffer.concat([made(), new Uint8Array([0])])],
  ['cut short', 'malformed', () => made().subarray(0, -1)],
  ['in BER, with a length that could be shorter', 'malformed', () => {
    const bytes = made()
    return Buffer.concat([new Uint8Array([0x30, 0x83, 0]), bytes.subarray(2)])
  }],
]

describe('refuses an answer', () => {
  for (const [claim, reason, make] of attacks) {
    test(`${claim}: ${reason}`, async () => { assert.deepEqual(prove(await make()), { kind: 'refused', reason }) })
  }
})

describe('proves an answer', () => {
  const good: readonly (readonly [string, () => Partial<OcspAnswerOptions> | Promise<Partial<OcspAnswerOptions>>])[] = [
    ['of the issuer itself', () => ({})],
    ['of the issuer, known by its key', () => ({ responderBy: 'key', isSignerSent: false })],
    ['of a responder that the issuer charged', () => ({ signer: delegate })],
    ['of such a responder, known by its key', () => ({ signer: delegate, responderBy: 'key' })],
    ['of a responder with an RSA key', () => rsaSigner(2_048)],
    ['that knows the certificate by SHA-256', () => ({ hash: 'sha256' })],
    ['that writes the version out', () => ({ version: 0 })],
    ['of a clock that is minutes ahead', () => ({ thisUpdate: at(200_000), producedAt: at(200_000) })],
  ]
  for (const [claim, options] of good) {
    test(claim, async () => { assert.equal(prove(made(await options())).kind, 'good') })
  }

  test('with its times, to the second', () => {
    const [thisUpdate, nextUpdate] = [new Date(Math.floor(Date.now() / 1_000) * 1_000 - 60_000), new Date(Math.floor(Date.now() / 1_000) * 1_000 + dayMs)]
    assert.deepEqual(prove(made({ thisUpdate, nextUpdate })), { kind: 'good', thisUpdateMs: thisUpdate.getTime(), nextUpdateMs: nextUpdate.getTime() })
    assert.equal(prove(made({ thisUpdate, nextUpdate }), nextUpdate.getTime() - 1).kind, 'good')
    assert.equal(prove(made({ thisUpdate, nextUpdate }), nextUpdate.getTime()).kind, 'refused')
  })

  test('that says revoked, and since when', () => {
    const proof = prove(made({ status: 'revoked', signer: delegate }))
    assert(proof.kind === 'revoked' && proof.revokedAtMs < Date.now() - dayMs + 60_000)
  })
})

test('no byte of an answer can be another one and leave it proven', () => {
  const bytes = made({ signer: delegate })
  assert.equal(prove(bytes).kind, 'good')
  fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
    const changed = Uint8Array.from(bytes)
    changed[index] = (changed[index] ?? 0) ^ change
    assert.equal(prove(changed).kind, 'refused')
  }), { numRuns: 2_000 })
})

test('garbage is refused, and never thrown', () => {
  const bytes = made()
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.tuple(fc.nat(bytes.length), fc.uint8Array({ maxLength: 12 }), fc.nat(40)).map(([index, put, cut]) =>
      Uint8Array.from([...bytes.subarray(0, index), ...put, ...bytes.subarray(index + cut)])),
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((inner) => Uint8Array.from([0x30, inner.length, ...inner])),
  )
  fc.assert(fc.property(garbage, (some) => {
    const proof = prove(some)
    assert(proof.kind === 'refused' || Buffer.from(some).equals(bytes))
  }), { numRuns: 3_000 })
})
