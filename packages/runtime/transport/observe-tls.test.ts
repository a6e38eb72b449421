import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { tlsObservationSchema } from '@ngome/contracts'
import { makeOcspResponse, OcspAuthority, TestAuthority } from '@ngome/testkit'
import { judgeTls } from './judge-tls.ts'
import { observeTls } from './observe-tls.ts'
import { spkiPin } from './spki-pin.ts'

let authority: TestAuthority
let own: { readonly key: string; readonly cert: string }
const open: Server[] = []
before(async () => {
  authority = await TestAuthority.create()
  own = await authority.issueWithKey('gateway')
})
after(() => {
  for (const server of open) {
    server.closeAllConnections()
    server.close()
  }
})

const strict: ServerOptions = {
  minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
  ecdhCurve: 'X25519MLKEM768:X25519:P-256',
}

async function seen(options: ServerOptions = strict, name = 'localhost', hsts = 'max-age=31536000') {
  const server = createServer({ ...own, ...options }, (_, response) => {
    response.setHeader('strict-transport-security', hsts).end()
  })
  open.push(server)
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const observation = await observeTls({ name, host: '127.0.0.1', port }, [authority.pem], Date.now())
  assert.deepEqual(tlsObservationSchema.parse(observation), observation)
  const findings = judgeTls(observation, { nowMs: Date.now(), previous: undefined, isRenewedByItself: true })
  // A test's own authority lives for a day.
  const codes = findings.map(({ code }) => code).filter((code) => !code.startsWith('expires_in'))
  return { observation, codes }
}

test('a server as ours is sees nothing against it, and the whole chain is kept, with the root that was not sent', async () => {
  const { observation, codes } = await seen()
  assert.deepEqual(codes, [])
  assert.deepEqual(observation.suites, ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'])
  assert.deepEqual(observation.groups, ['X25519MLKEM768', 'X25519', 'P-256'])
  assert.deepEqual(observation.chain.map(({ spki }) => spki), [own.cert, authority.pem].map((pem) => spkiPin(new X509Certificate(pem).publicKey)))
  assert.equal(observation.hsts, 'max-age=31536000')
})

test('an address is looked at by its address', async () => {
  assert.deepEqual((await seen(strict, '127.0.0.1')).codes, [])
})

test('what is stapled is looked into, as clients that check it do', async () => {
  const stapling = await OcspAuthority.create()
  const leaf = await stapling.issue({ responder: 'http://ocsp.example/' })
  const server = createServer({ ...strict, key: leaf.key, cert: stapling.chainOf(leaf) })
  open.push(server)
  server.on('tlsClientError', () => undefined)
  const made = { leaf: leaf.certificate, issuer: stapling.root.certificate, signer: stapling.root }
  let staple: Uint8Array | null = null
  server.on('OCSPRequest', (_, __, callback) => { callback(null, staple === null ? null : Buffer.from(staple)) })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const look = async () => {
    const observation = await observeTls({ name: 'localhost', host: '127.0.0.1', port }, [stapling.root.cert], Date.now())
    return [tlsObservationSchema.parse(observation).staple, observation.isStapled, observation.namesResponder]
  }
  assert.deepEqual(await look(), [undefined, false, true])
  staple = makeOcspResponse(made)
  assert.deepEqual(await look(), ['good', true, true])
  staple = makeOcspResponse({ ...made, key: leaf.privateKey })
  assert.deepEqual(await look(), ['signature', true, true])
  staple = makeOcspResponse({ ...made, status: 'revoked' })
  assert.deepEqual(await look(), ['revoked', true, true])
})

test('a server that also takes TLS 1.2 is seen', async () => {
  const { codes } = await seen({ ...strict, minVersion: 'TLSv1.2', ciphers: 'DEFAULT:TLS_AES_256_GCM_SHA384:@SECLEVEL=0' })
  assert.ok(codes.includes('old_version_accepted'), codes.join())
})

test('a suite and a group that we do not offer are seen', async () => {
  const { codes } = await seen({ minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_CCM_SHA256', ecdhCurve: 'X25519:P-384' })
  assert.deepEqual(codes, ['suite_unexpected', 'group_unexpected'])
})

test('a short HSTS is seen', async () => {
  assert.deepEqual((await seen(strict, 'localhost', 'max-age=60')).codes, ['hsts_missing'])
})

test('a certificate of another name, of nobody, and one that ended are told apart', async () => {
  assert.ok((await seen(strict, 'api.example')).codes.includes('name_missing'))
  const ended = await authority.issueWithKey('gateway', { notBefore: new Date(Date.now() - 20_000), notAfter: new Date(Date.now() - 10_000) })
  assert.ok((await seen({ ...strict, ...ended })).codes.includes('expired'))
  const stranger = await (await TestAuthority.create()).issueWithKey('gateway')
  assert.ok((await seen({ ...strict, ...stranger })).codes.includes('chain_untrusted'))
})

test('where nobody listens, or nobody speaks TLS, nothing is said to be well', async () => {
  await assert.rejects(observeTls({ name: 'localhost', host: '127.0.0.1', port: 1 }, [], Date.now()), { name: 'NotReached' })
  const mute = createTcpServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const observation = await observeTls({ name: 'localhost', host: '127.0.0.1', port: (mute.address() as AddressInfo).port }, [], Date.now())
  mute.close()
  assert.ok(judgeTls(observation, { nowMs: 0, previous: undefined, isRenewedByItself: false }).some(({ code }) => code === 'tls_1_3_refused'))
})
