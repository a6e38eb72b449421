import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fault } from '@ngome/kernel'
import { ocspRequest } from '@ngome/runtime'
import { OcspAuthority, OcspServer, type OcspIssued } from '@ngome/testkit'
import { createEgressGuard, type EgressGuard, type EgressSettings } from './egress-guard.ts'
import type { Transmission } from './transmit.ts'

let authority: OcspAuthority
before(async () => { authority = await OcspAuthority.create() })

function guardOf(settings: Partial<EgressSettings> = {}): EgressGuard {
  return createEgressGuard({ providers: {}, allowPrivate: [], resolve: async () => ['192.0.2.1'], ...settings })
}
const isRefusal = (error: unknown): boolean => error instanceof Fault && error.code === 'egress/refused'
const ask = (guard: EgressGuard, leaf: OcspIssued, isPosted = false): Promise<Transmission> =>
  guard.toResponder({ leaf: leaf.certificate, issuer: authority.root.certificate, isPosted, timeoutMs: 1_000 })

describe('refuses a responder', () => {
  const attacks: readonly (readonly [string, string, (readonly string[])?])[] = [
    ['on this machine', 'http://127.0.0.1/ocsp'],
    ['on this machine, in decimal', 'http://2130706433/'],
    ['on this machine, IPv6', 'http://[::1]/'],
    ['where clouds keep their secrets', 'http://169.254.169.254/latest/meta-data/'],
    ['in a private network', 'http://10.0.0.1/'],
    ['with a name of this machine', 'http://ocsp.example/', ['127.0.0.1']],
    ['with a name that is also of this machine', 'http://ocsp.example/', ['93.184.215.14', '127.0.0.1']],
    ['on another port', 'http://ocsp.example:8080/', ['93.184.215.14']],
    ['on the port of mail', 'http://ocsp.example:25/', ['93.184.215.14']],
    ['on port 443 without TLS', 'http://ocsp.example:443/', ['93.184.215.14']],
    ['on port 80 with TLS', 'https://ocsp.example:80/', ['93.184.215.14']],
    ['over FTP', 'ftp://ocsp.example/', ['93.184.215.14']],
    ['over LDAP', 'ldap://ocsp.example/', ['93.184.215.14']],
    ['that is a file', 'file:///etc/passwd'],
    ['with user information', 'http://ocsp.example@127.0.0.1/', ['93.184.215.14']],
    ['with a fragment', 'http://ocsp.example/#x', ['93.184.215.14']],
    ['with a line break', 'http://ocsp.example/\r\nx: y', ['93.184.215.14']],
    ['with an endless address', `http://ocsp.example/${'a'.repeat(600)}`, ['93.184.215.14']],
  ]
  for (const [claim, responder, addresses] of attacks) {
    for (const isPosted of [false, true]) {
      test(`${claim}, ${isPosted ? 'POST' : 'GET'}`, async () => {
        const guard = guardOf(addresses === undefined ? {} : { resolve: async () => addresses })
        await assert.rejects(ask(guard, await authority.issue({ responder }), isPosted), isRefusal)
        guard.close()
      })
    }
  }
  test('that no certificate names', async () => {
    await assert.rejects(ask(guardOf(), await authority.issue()), isRefusal)
  })
  test('of a certificate that another issued', async () => {
    const stranger = await OcspAuthority.create()
    await assert.rejects(ask(guardOf(), await stranger.issue({ responder: 'http://ocsp.example/' })), isRefusal)
  })
  test('that is a payment network', async () => {
    const guard = guardOf({ providers: { momo: { baseUrl: 'http://127.0.0.1:9' } }, allowPrivate: ['127.0.0.1:9'] })
    await assert.rejects(ask(guard, await authority.issue({ responder: 'http://127.0.0.1:9/' })), isRefusal)
  })
})

describe('plain HTTP on port 80 is for questions to responders alone', () => {
  const outgoing = { method: 'POST', headers: {}, body: new Uint8Array(), timeoutMs: 200 } as const
  const address = 'http://ocsp.example/'
  const guard = guardOf({ resolve: async () => ['93.184.215.14'], providers: { momo: { baseUrl: address } } })
  after(() => guard.close())
  const others: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['webhooks', () => guardOf({ resolve: async () => ['93.184.215.14'] }).toWebhook(address, outgoing)],
    ['forwards', () => guard.toForward({ url: address, trust: {} }, async () => ({ ...outgoing, path: '/' }))],
    ['payment networks', () => guard.toProvider('momo', '/x', outgoing)],
  ]
  for (const [claim, send] of others) test(`not for ${claim}`, async () => { await assert.rejects(send(), isRefusal) })

  test('in no other line of the platform\'s code', () => {
    const root = join(import.meta.dirname, '../../..')
    const uses = globSync('{packages,services,cli,simulators}/**/*.ts', { cwd: root, exclude: ['**/node_modules/**', '**/*.test.ts'] })
      .flatMap((path) => readFileSync(join(root, path), 'utf8').split('\n').filter((line) => line.includes('plainHttpAllowed')).map(() => path))
    assert.deepEqual(uses.sort(), [
      ...Array.from({ length: 3 }, () => 'services/dispatcher/egress/check-destination.ts'),
      ...Array.from({ length: 2 }, () => 'services/dispatcher/egress/egress-guard.ts'),
    ])
  })
})

describe('with a responder on this machine, allowed by name', () => {
  let server: OcspServer
  before(async () => {
    server = await OcspServer.start(authority)
    server.manners = { httpStatus: 302, headers: { location: 'http://127.0.0.1:1/secret' } }
  })
  after(() => server.close())

  for (const isPosted of [false, true]) {
    test(`the question goes to the certificate's address and says nothing else, ${isPosted ? 'POST' : 'GET'}; a redirect is not followed`, async () => {
      server.questions.length = 0
      const guard = guardOf({ allowPrivate: [server.address] })
      const leaf = await server.issue({ responder: `http://${server.address}/status/` })
      const sent = await ask(guard, leaf, isPosted)
      assert(sent.kind === 'answered' && sent.status === 302)
      const [seen] = server.questions
      assert(seen !== undefined && server.questions.length === 1)
      assert.deepEqual(Object.keys(seen.headers).sort(), ['connection', 'content-length', ...isPosted ? ['content-type'] : [], 'host'])
      assert.equal(seen.method, isPosted ? 'POST' : 'GET')
      assert.match(seen.url ?? '', isPosted ? /^\/status\/$/ : /^\/status\/[A-Za-z0-9%]+$/)
      assert.deepEqual(seen.request, Buffer.from(ocspRequest(leaf.certificate, authority.root.certificate)))
      guard.close()
    })
  }
})
