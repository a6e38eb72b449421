import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeOcspResponse, OcspAuthority, ocspSigningUsage, type OcspAnswerOptions, type OcspIssued } from '@ngome/testkit'
import { ocspRequest } from './ocsp-request.ts'
import { proveOcspResponse } from './prove-ocsp-response.ts'

const isMissing = spawnSync('openssl', ['version']).error !== undefined
const folder = mkdtempSync(join(tmpdir(), 'ngome-ocsp-'))
after(() => rmSync(folder, { recursive: true }))

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function openssl(...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync('openssl', ['ocsp', ...args], { encoding: 'utf8', timeout: 20_000 })
  return stdout + stderr
}

describe('OpenSSL, which has never seen our code,', { skip: isMissing ? 'openssl is not installed' : false }, () => {
  let authority: OcspAuthority
  let delegate: OcspIssued
  let leaf: OcspIssued
  let paths: { readonly root: string; readonly leaf: string; readonly request: string }
  before(async () => {
    authority = await OcspAuthority.create()
    delegate = await authority.issue({ usage: ocspSigningUsage, subject: 'CN=responder' })
    leaf = await authority.issue()
    paths = {
      root: write('root.pem', authority.root.cert), leaf: write('leaf.pem', leaf.cert),
      request: write('request.der', ocspRequest(leaf.certificate, authority.root.certificate)),
    }
  })

  /** Each row is a line of a certificate authority's own index. */
  const asked: readonly (readonly [string, string, 'root' | 'delegate', object | string])[] = [
    ['good, by the authority itself', 'V\t360101000000Z\t', 'root', 'good'],
    ['good, by whom it charged', 'V\t360101000000Z\t', 'delegate', 'good'],
    ['revoked', 'R\t360101000000Z\t260101000000Z,keyCompromise', 'delegate', 'revoked'],
    ['unknown', '', 'delegate', { kind: 'refused', reason: 'unknown' }],
  ]
  for (const [claim, line, by, expected] of asked) {
    test(`answers our request, and we understand it: ${claim}`, () => {
      const signer = by === 'root' ? authority.root : delegate
      const index = write('index.txt', line === '' ? '' : `${line}\t${leaf.certificate.serialNumber}\tunknown\t/CN=api\n`)
      const answer = join(folder, 'answer.der')
      const said = openssl('-index', index, '-CA', paths.root, '-rsigner', write('signer.pem', signer.cert), '-rkey', write('signer.key', signer.key),
        '-reqin', paths.request, '-respout', answer, '-ndays', '4')
      const proof = proveOcspResponse(readFileSync(answer), { leaf: leaf.certificate, issuer: authority.root.certificate, nowMs: Date.now() })
      if (typeof expected === 'string') assert.equal(proof.kind, expected, said)
      else assert.deepEqual(proof, expected, said)
      if (proof.kind === 'revoked') assert.equal(proof.revokedAtMs, Date.parse('2026-01-01T00:00:00Z'))
    })
  }

  const answers: readonly (readonly [string, () => Partial<OcspAnswerOptions>, RegExp])[] = [
    ['that is good', () => ({}), /: good[^]*Response verify OK/],
    ['of whom the authority charged', () => ({ signer: delegate }), /: good[^]*Response verify OK/],
    ['that is good, known by the key', () => ({ signer: delegate, responderBy: 'key' }), /: good[^]*Response verify OK/],
    ['that is revoked', () => ({ status: 'revoked' }), /: revoked[^]*Response verify OK/],
    ['signed with another key: no', () => ({ key: leaf.privateKey }), /Response Verify Failure/i],
    ['signed without the purpose: no', () => ({ signer: leaf }), /Response Verify Failure/i],
  ]
  for (const [claim, options, expected] of answers) {
    test(`understands what our responder in the tests says as we do: an answer ${claim}`, () => {
      const made = { leaf: leaf.certificate, issuer: authority.root.certificate, signer: authority.root, ...options() }
      const said = openssl('-respin', write('made.der', makeOcspResponse(made)), '-issuer', paths.root, '-cert', paths.leaf, '-CAfile', paths.root, '-no_nonce')
      assert.match(said, expected)
      const proof = proveOcspResponse(makeOcspResponse(made), { ...made, nowMs: Date.now() })
      assert.equal(proof.kind === 'refused', /failure/i.test(said))
    })
  }
})
