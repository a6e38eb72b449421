import assert from 'node:assert/strict'
import { generateKeyPairSync, KeyObject } from 'node:crypto'
import { createServer as createPlainServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { after, before, test } from 'node:test'
import { ManualClock, newId, Secret, systemRandom } from '@ngome/kernel'
import { type Endpoint, newCertificateRequest, x509 } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import type { CustodianView } from './custodian/custodian-view.ts'
import type { Probe } from './probe.ts'
import { ephemeralKeyExchange } from './probes/ephemeral-key-exchange.ts'
import { hostileHeadersAreRefused } from './probes/hostile-headers-are-refused.ts'
import { hstsOnEveryAnswer } from './probes/hsts-on-every-answer.ts'
import { plainHttpReachesNothing } from './probes/plain-http-reaches-nothing.ts'
import { realCertificate } from './probes/real-certificate.ts'
import { strangerCannotOpen } from './probes/stranger-cannot-open.ts'
import { tls13Only } from './probes/tls-1-3-only.ts'
import { runProbes } from './run-probes.ts'
import { signedRefusal } from './testing/signed-refusal.ts'

/** Old versions and suites, as a server of ten years ago offers them. */
const oldSuites = 'DEFAULT:AES128-SHA:@SECLEVEL=0'
const year = 'max-age=31536000; includeSubDomains'

let authority: TestAuthority
let identity: { cert: string; key: string }
const open: (Server & { closeAllConnections?: () => void })[] = []

before(async () => {
  authority = await TestAuthority.create()
  const { csr, privateKey } = await newCertificateRequest('gateway')
  identity = { cert: await authority.issue(csr, 'gateway'), key: privateKey.expose((key) => key) }
})
after(() => {
  for (const server of open) {
    server.close()
    server.closeAllConnections?.()
  }
})

async function listening(server: Server): Promise<Endpoint> {
  open.push(server)
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { name: 'saboteur', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

const tlsServer = (options: TlsOptions): Promise<Endpoint> => {
  return listening(createTlsServer({ ...identity, ...options }, (socket) => {
    socket.on('error', () => undefined)
    socket.end()
  }))
}
const https = (listener: RequestListener, options: TlsOptions = {}): Promise<Endpoint> => {
  return listening(createHttpsServer({ ...identity, minVersion: 'TLSv1.3', ...options }, listener))
}

const apiKey = new Secret('ngome_sk_test_probe')
const tenant = { merchant: newId('merchant', { clock: new ManualClock(0), random: systemRandom }), world: 'test' } as const
const merchant = (): Promise<{ tenant: typeof tenant; apiKey: Secret<string> }> => Promise.resolve({ tenant, apiKey })

async function verdictOf<T>(probe: Probe<T>, target: T): Promise<{ status: string; evidence: string }> {
  const [result] = await runProbes([probe], target, new ManualClock(0))
  assert.ok(result)
  return result
}

test('plain HTTP: a TLS server holds', async () => {
  const endpoint = await tlsServer({ minVersion: 'TLSv1.3' })
  assert.equal((await verdictOf(plainHttpReachesNothing, { listeners: [endpoint] })).status, 'holds')
})

test('plain HTTP: a server that answers it fails', async () => {
  const endpoint = await listening(createPlainServer((_, response) => response.end('hello')))
  assert.equal((await verdictOf(plainHttpReachesNothing, { listeners: [endpoint] })).status, 'fails')
})

test('plain HTTP: a server that only redirects it fails', async () => {
  const endpoint = await listening(createPlainServer((_, response) => response.writeHead(301, { location: 'https://x' }).end()))
  assert.equal((await verdictOf(plainHttpReachesNothing, { listeners: [endpoint] })).status, 'fails')
})

test('a listener that is away is unchecked, and so nothing holds', async () => {
  const gone = { name: 'gone', host: '127.0.0.1', port: 1 }
  for (const probe of [plainHttpReachesNothing, tls13Only, ephemeralKeyExchange]) {
    assert.equal((await verdictOf(probe, { listeners: [gone], authority: authority.pem })).status, 'unchecked')
  }
})

test('certificate: one of the authority holds', async () => {
  const gateway = await tlsServer({ minVersion: 'TLSv1.3' })
  assert.equal((await verdictOf(realCertificate, { gateway, authority: authority.pem })).status, 'holds')
})

test('certificate: one of another authority fails', async () => {
  const gateway = await tlsServer({ minVersion: 'TLSv1.3' })
  const other = await TestAuthority.create()
  assert.equal((await verdictOf(realCertificate, { gateway, authority: other.pem })).status, 'fails')
})

test('TLS versions: 1.3 alone holds', async () => {
  const endpoint = await tlsServer({ minVersion: 'TLSv1.3' })
  assert.equal((await verdictOf(tls13Only, { listeners: [endpoint], authority: authority.pem })).status, 'holds')
})

for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const) {
  test(`TLS versions: a server that also takes ${version} fails`, async () => {
    const endpoint = await tlsServer({ minVersion: version, ciphers: oldSuites })
    const { status, evidence } = await verdictOf(tls13Only, { listeners: [endpoint], authority: authority.pem })
    assert.equal(status, 'fails')
    assert.ok(evidence.includes(version), evidence)
  })
}

test('TLS versions: a server without 1.3 fails', async () => {
  const endpoint = await tlsServer({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
  assert.equal((await verdictOf(tls13Only, { listeners: [endpoint], authority: authority.pem })).status, 'fails')
})

test('forward secrecy: ephemeral keys hold, and the group is named', async () => {
  const endpoint = await tlsServer({ minVersion: 'TLSv1.3', ecdhCurve: 'X25519' })
  const { status, evidence } = await verdictOf(ephemeralKeyExchange, { listeners: [endpoint], authority: authority.pem })
  assert.equal(status, 'holds')
  assert.ok(evidence.includes('X25519'), evidence)
})

test('forward secrecy: key exchange with the server\'s RSA key fails', async () => {
  const rsa = await rsaIdentity()
  const endpoint = await tlsServer({ ...rsa, minVersion: 'TLSv1.2', ciphers: oldSuites })
  const { status, evidence } = await verdictOf(ephemeralKeyExchange, { listeners: [endpoint], authority: rsa.cert })
  assert.equal(status, 'fails', evidence)
  assert.match(evidence, /accepts key exchange with its long-lived key/)
})

test('forward secrecy: a server of TLS 1.2 whose one suite is static RSA fails', async () => {
  const rsa = await rsaIdentity()
  const endpoint = await tlsServer({ ...rsa, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' })
  const { status, evidence } = await verdictOf(ephemeralKeyExchange, { listeners: [endpoint], authority: rsa.cert })
  assert.equal(status, 'fails', evidence)
})

test('forward secrecy: a second certificate, of nobody we know, that takes static key exchange does not hold', async () => {
  const rsa = await rsaIdentity()
  const both = { cert: [identity.cert, rsa.cert], key: [identity.key, rsa.key] }
  const endpoint = await tlsServer({ ...both, minVersion: 'TLSv1.2', ciphers: oldSuites })
  const { status, evidence } = await verdictOf(ephemeralKeyExchange, { listeners: [endpoint], authority: authority.pem })
  assert.equal(status, 'unchecked', evidence)
  assert.match(evidence, /SELF_SIGNED/)
})

/** A server that takes TLS 1.3 as it should, and ends every older handshake without a word. */
async function resettingOldHandshakes(): Promise<Endpoint> {
  const inner = await tlsServer({ minVersion: 'TLSv1.3' })
  return listening(createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (hello: Buffer) => {
      // RFC 8446 §4.2.1: only who offers TLS 1.3 says 0x0304 in supported_versions (43).
      const extension = hello.indexOf(Buffer.from([0, 43]))
      if (extension < 0 || !hello.subarray(extension, extension + 16).includes(Buffer.from([3, 4]))) return socket.resetAndDestroy()
      const onward = connectTcp({ host: inner.host, port: inner.port })
      onward.on('error', () => socket.destroy())
      onward.write(hello)
      return socket.pipe(onward).pipe(socket)
    })
  }))
}

test('a server that resets old handshakes, and says nothing of why, is unchecked, with what was seen', async () => {
  const endpoint = await resettingOldHandshakes()
  for (const probe of [tls13Only, ephemeralKeyExchange]) {
    const { status, evidence } = await verdictOf(probe, { listeners: [endpoint], authority: authority.pem })
    assert.equal(status, 'unchecked', evidence)
    assert.match(evidence, /ECONNRESET/)
  }
})

test('TLS versions: a server of TLS 1.2 that only misses our suites is unchecked', async () => {
  const endpoint = await tlsServer({ minVersion: 'TLSv1.2', ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-SHA256' })
  const { status, evidence } = await verdictOf(tls13Only, { listeners: [endpoint], authority: authority.pem })
  assert.equal(status, 'unchecked', evidence)
})

/** A certificate whose key can also take a secret encrypted to it, as TLS did before 1.3. */
async function rsaIdentity(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost', keys, signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 1_000), notAfter: new Date(Date.now() + 3_600_000),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  })
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' })
  return { cert: certificate.toString('pem'), key: String(key) }
}

/** Answers as the gateway does, with HSTS as the test wants it. */
function answering(hstsOf: (status: number) => string | undefined): RequestListener {
  return (request, response) => {
    const isKnown = request.headers.authorization !== undefined
    const status = request.headers['x-forwarded-for'] !== undefined ? 400
      : request.url?.startsWith('/v1/payments') !== true ? 404
      : !isKnown ? 401 : request.method === 'POST' ? 422 : request.url === '/v1/payments' ? 200 : 404
    const value = hstsOf(status)
    if (value !== undefined) response.setHeader('strict-transport-security', value)
    response.writeHead(status).end('{}')
  }
}

async function withParserAnswer(listener: RequestListener, head: string): Promise<Endpoint> {
  const server = createHttpsServer({ ...identity, minVersion: 'TLSv1.3' }, listener)
  server.on('clientError', (_, socket) => socket.end(`HTTP/1.1 400 Bad Request\r\n${head}connection: close\r\n\r\n`))
  return listening(server)
}

test('HSTS: on every answer holds', async () => {
  const gateway = await withParserAnswer(answering(() => year), `strict-transport-security: ${year}\r\n`)
  const { status, evidence } = await verdictOf(hstsOnEveryAnswer, { gateway, authority: authority.pem, merchant })
  assert.equal(status, 'holds', evidence)
})

const hstsSabotage: readonly { claim: string; hsts: (status: number) => string | undefined; head?: string }[] = [
  { claim: 'none at all', hsts: () => undefined },
  { claim: 'none on errors', hsts: (status) => (status === 200 ? year : undefined) },
  { claim: 'none on what is not there', hsts: (status) => (status === 404 ? undefined : year) },
  { claim: 'one of a day', hsts: () => 'max-age=86400' },
  { claim: 'none from the parser', hsts: () => year, head: '' },
]
for (const { claim, hsts, head } of hstsSabotage) {
  test(`HSTS: ${claim} fails`, async () => {
    const gateway = await withParserAnswer(answering(hsts), head ?? `strict-transport-security: ${year}\r\n`)
    assert.equal((await verdictOf(hstsOnEveryAnswer, { gateway, authority: authority.pem, merchant })).status, 'fails')
  })
}

test('headers: a server that takes everything fails', async () => {
  const gateway = await https((_, response) => response.end('{}'))
  const { status } = await verdictOf(hostileHeadersAreRefused, { gateway, authority: authority.pem, merchant })
  assert.equal(status, 'fails')
})

test('headers: a server that refuses everything fails too, for its refusals mean nothing', async () => {
  const gateway = await https((_, response) => response.writeHead(400).end('{}'))
  const { status, evidence } = await verdictOf(hostileHeadersAreRefused, { gateway, authority: authority.pem, merchant })
  assert.equal(status, 'fails')
  assert.match(evidence, /means nothing/)
})

const statementKeys = generateKeyPairSync('ed25519')
const problemOf = (status: number): object => ({
  type: 'about:blank', title: 'Refused.', status, code: 'custodian/refused', request_id: newId('request', { clock: new ManualClock(0), random: systemRandom }),
})
const refusing: RequestListener = (_, response) => response.writeHead(403).end(JSON.stringify(problemOf(403)))
const askingForCertificates = (): Promise<Endpoint> => https(refusing, { ca: authority.pem, requestCert: true, rejectUnauthorized: true })
const heard: CustodianView['attempt'] = (_path, _request, challenge) => Promise.resolve({
  outcome: 'refused',
  refusal: signedRefusal(statementKeys.privateKey, { challenge, caller: 'operator/1', operation: '/v1/secrets', reason: 'caller_not_permitted' }),
})

type Places = { readonly endpoint?: Endpoint; readonly enrolment?: Endpoint; readonly attempt?: CustodianView['attempt'] }

async function strangerAt({ endpoint, enrolment, attempt = heard }: Places): Promise<{ status: string; evidence: string }> {
  const custodian: CustodianView = {
    endpoint: endpoint ?? await askingForCertificates(), enrolment: enrolment ?? await https(refusing), attempt,
    statementKey: () => Promise.resolve(statementKeys.publicKey),
  }
  return verdictOf(strangerCannotOpen, { authority: authority.pem, custodian, random: systemRandom })
}

test('stranger: a custodian that asks for a certificate, and an enrolment port that refuses, hold', async () => {
  const { status, evidence } = await strangerAt({})
  assert.equal(status, 'holds', evidence)
})

test('stranger: a custodian that answers anybody fails, even with a refusal', async () => {
  assert.equal((await strangerAt({ endpoint: await https(refusing) })).status, 'fails')
})

const enrolmentSabotage: readonly { claim: string; answers: RequestListener }[] = [
  {
    claim: 'gives out the secrets', answers: (request, response) => (request.url === '/v1/secrets'
      ? response.end('{"secrets":[]}') : refusing(request, response)),
  },
  {
    claim: 'enrols anybody', answers: (request, response) => (request.url === '/v1/enrol'
      ? response.end('{"certificate":""}') : refusing(request, response)),
  },
  { claim: 'breaks on a call', answers: (_, response) => response.writeHead(500).end(JSON.stringify(problemOf(500))) },
  { claim: 'refuses, and hands out something beside', answers: (_, response) => response.writeHead(403).end(JSON.stringify({ ...problemOf(403), key: 'AAAA' })) },
]
for (const { claim, answers } of enrolmentSabotage) {
  test(`stranger: an enrolment port that ${claim} fails`, async () => {
    const { status, evidence } = await strangerAt({ enrolment: await https(answers) })
    assert.equal(status, 'fails', evidence)
    assert.match(evidence, /saboteur/)
  })
}

test('stranger: a custodian that shuts out the operator too fails, for its silence means nothing', async () => {
  const { status, evidence } = await strangerAt({ attempt: () => Promise.resolve({ outcome: 'refused', refusal: null }) })
  assert.equal(status, 'fails', evidence)
  assert.match(evidence, /mean nothing/)
})

test('stranger: an operator, or an enrolment port, that reaches nobody leaves it unchecked', async () => {
  assert.equal((await strangerAt({ attempt: () => Promise.reject(new Error('ECONNREFUSED')) })).status, 'unchecked')
  assert.equal((await strangerAt({ enrolment: { name: 'gone', host: '127.0.0.1', port: 1 } })).status, 'unchecked')
})
