import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { systemRandom as random } from '@ngome/kernel'
import { handshake } from '@ngome/runtime'
import { recordStaple, wantStaple, type Database } from '@ngome/store'
import { makeOcspResponse, OcspAuthority, testDatabase, type OcspAnswerOptions, type OcspIssued, type OcspIssueOptions, type TestDatabase } from '@ngome/testkit'
import { tlsContext, type PublicCertificate } from '../http/public-server.ts'
import { TestGateway } from '../testing/test-gateway.ts'
import { Staples } from './staples.ts'

const dayMs = 86_400_000
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const responder = 'http://ocsp.example/'

let authority: OcspAuthority
let database: TestDatabase
let db: Database
const servers: Server[] = []
before(async () => {
  authority = await OcspAuthority.create()
  database = await testDatabase()
  db = database.open('ngome_gateway', { poolMax: 2 })
})
// Sixteen may be wanted at once.
beforeEach(() => database.asAdmin('DELETE FROM ngome.ocsp_staples'))
after(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await database.close()
})

const issue = (options: OcspIssueOptions = {}): Promise<OcspIssued> => authority.issue({ responder, ...options })
const certificateOf = (leaf: OcspIssued): PublicCertificate => ({ key: leaf.key, cert: authority.chainOf(leaf) })
const digestOf = ({ certificate }: OcspIssued): Buffer => createHash('sha256').update(certificate.raw).digest()
const answerAbout = (leaf: OcspIssued, says: Partial<OcspAnswerOptions> = {}): Uint8Array =>
  makeOcspResponse({ leaf: leaf.certificate, issuer: authority.root.certificate, signer: authority.root, ...says })

const roles = new WeakMap<TestDatabase, { readonly gateway: Database; readonly dispatcher: Database }>()

/** One pool for each: a role has so many connections and no more. */
function rolesOf(of: TestDatabase): { readonly gateway: Database; readonly dispatcher: Database } {
  const known = roles.get(of) ?? { gateway: of.open('ngome_gateway', { poolMax: 1 }), dispatcher: of.open('ngome_dispatcher', { poolMax: 1 }) }
  roles.set(of, known)
  return known
}

/** Writes what the dispatcher would, or what a thief would who writes as it. */
async function keep(leaf: OcspIssued, response: Uint8Array, of: TestDatabase = database): Promise<void> {
  const { gateway, dispatcher } = rolesOf(of)
  assert.equal(await wantStaple(gateway, digestOf(leaf), authority.chainOf(leaf)), true)
  const nowMs = Date.now()
  await recordStaple(dispatcher, digestOf(leaf), {
    response, status: 'good', thisUpdateMs: nowMs, nextUpdateMs: nowMs + dayMs, nextAskAtMs: nowMs + dayMs,
  }, [])
}

async function serving(leaf: OcspIssued) {
  const server = createServer(tlsContext(certificateOf(leaf)))
  server.on('tlsClientError', () => undefined)
  servers.push(server)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const time = { aheadMs: 0 }
  const alarms: unknown[] = []
  const staples = new Staples({
    database: db, random, clock: { nowMs: () => Date.now() + time.aheadMs }, monotonicMs: () => performance.now(),
    logger: { info: () => undefined, warn: () => undefined, error: (line: { alarm?: true; reason?: string }) => { if (line.alarm === true) alarms.push(line.reason) } } as never,
  }, server)
  await staples.begin(certificateOf(leaf))
  return { staples, server, time, alarms, port: (server.address() as AddressInfo).port }
}

/** @returns what a client that asks for it gets, and about which certificate */
async function seen(port: number): Promise<{ readonly staple: Uint8Array | undefined; readonly serial: string | undefined }> {
  const result = await handshake({ name: 'localhost', host: '127.0.0.1', port }, { ca: [authority.root.cert], requestOCSP: true })
  assert(result.kind === 'connected', JSON.stringify(result))
  // A client that asks for nothing is served as ever.
  const plain = await handshake({ name: 'localhost', host: '127.0.0.1', port }, { ca: [authority.root.cert] })
  assert.equal(plain.kind, 'connected')
  const serial = result.socket.getPeerX509Certificate()?.serialNumber
  for (const { socket } of [result, plain] as { readonly socket: { destroy(): void } }[]) socket.destroy()
  return { staple: result.staple, serial }
}

test('a client sees what the authority says of the certificate, as it was kept', async () => {
  const leaf = await issue()
  const response = answerAbout(leaf)
  await keep(leaf, response)
  const { port } = await serving(leaf)
  assert.deepEqual((await seen(port)).staple, Buffer.from(response))
})

test('what comes later is stapled from then on, without a restart', async () => {
  const leaf = await issue()
  const { port, staples } = await serving(leaf)
  assert.equal((await seen(port)).staple, undefined)
  const [first, second] = [answerAbout(leaf), answerAbout(leaf, { thisUpdate: new Date(Date.now() - 1_000) })]
  for (const response of [first, second]) {
    await keep(leaf, response)
    await staples.look()
    assert.deepEqual((await seen(port)).staple, Buffer.from(response))
  }
})

describe('never staples', () => {
  const rows: readonly (readonly [string, string | undefined, (leaf: OcspIssued) => Promise<Uint8Array> | Uint8Array])[] = [
    ['what somebody wrote into the row', 'malformed', () => Buffer.from('garbage')],
    ['an answer about another certificate', 'certificate_other', async () => answerAbout(await issue())],
    ['what another signed', 'signature', (leaf) => answerAbout(leaf, { key: leaf.privateKey })],
    ['what has ended', undefined, (leaf) => answerAbout(leaf, { thisUpdate: new Date(Date.now() - 8 * dayMs), nextUpdate: new Date(Date.now() - 1_000) })],
    ['that the certificate is revoked', undefined, (leaf) => answerAbout(leaf, { status: 'revoked' })],
  ]
  for (const [claim, reason, make] of rows) {
    test(`${claim}, whoever keeps it as good`, async () => {
      const leaf = await issue()
      await keep(leaf, await make(leaf))
      const { port, staples, alarms } = await serving(leaf)
      await staples.look()
      assert.equal((await seen(port)).staple, undefined)
      assert.deepEqual(alarms, reason === undefined ? [] : [reason], 'told once')
    })
  }

  test('what was good until now', async () => {
    const leaf = await issue()
    await keep(leaf, answerAbout(leaf, { nextUpdate: new Date(Date.now() + dayMs) }))
    const { port, time } = await serving(leaf)
    assert.ok((await seen(port)).staple)
    time.aheadMs = dayMs
    assert.equal((await seen(port)).staple, undefined)
  })

  test('what was good before it was revoked', async () => {
    const leaf = await issue()
    await keep(leaf, answerAbout(leaf))
    const { port, staples } = await serving(leaf)
    await keep(leaf, answerAbout(leaf, { status: 'revoked' }))
    await staples.look()
    assert.equal((await seen(port)).staple, undefined)
  })
})

test('what is good stays stapled while the row is garbage', async () => {
  const leaf = await issue()
  const response = answerAbout(leaf)
  await keep(leaf, response)
  const { port, staples, alarms } = await serving(leaf)
  await keep(leaf, Buffer.from('garbage'))
  await staples.look()
  assert.deepEqual([(await seen(port)).staple, alarms], [Buffer.from(response), ['malformed']])
})

test('handshakes wait for nobody while there is nothing to staple', async () => {
  const [leaf, without] = [await issue(), await authority.issue()]
  const { server, staples, time } = await serving(leaf)
  const listening: number[] = []
  const look = async (): Promise<void> => {
    await staples.look()
    listening.push(server.listenerCount('OCSPRequest'))
  }
  await look()
  await keep(leaf, answerAbout(leaf))
  await look()
  await look()
  time.aheadMs = 9 * dayMs
  await look()
  time.aheadMs = 0
  await look()
  await keep(leaf, answerAbout(leaf, { status: 'revoked' }))
  await look()
  await keep(leaf, answerAbout(leaf))
  await look()
  await staples.change(certificateOf(without))
  assert.deepEqual([...listening, server.listenerCount('OCSPRequest')], [0, 1, 1, 0, 1, 0, 1, 0])
})

describe('another certificate', () => {
  test('is not served with what is said of the one before', async () => {
    const [before, next] = [await issue(), await issue()]
    await keep(before, answerAbout(before))
    const { port, staples } = await serving(before)
    await staples.change(certificateOf(next))
    assert.deepEqual(await seen(port), { staple: undefined, serial: next.certificate.serialNumber })
    await keep(next, answerAbout(next))
    await staples.look()
    assert.deepEqual((await seen(port)).staple !== undefined, true)
  })

  test('that demands a stapled answer is taken up with it', async () => {
    const [before, next] = [await issue(), await issue({ isStapleDemanded: true })]
    await keep(before, answerAbout(before))
    const { port, staples } = await serving(before)
    const changed = staples.change(certificateOf(next))
    const meanwhile = await seen(port)
    assert.equal(meanwhile.serial, before.certificate.serialNumber)
    assert.ok(meanwhile.staple)
    const response = answerAbout(next)
    await keep(next, response)
    await changed
    assert.deepEqual(await seen(port), { staple: Buffer.from(response), serial: next.certificate.serialNumber })
  })

  test('gives way to a third that comes while it waits', async () => {
    const [before, second, third] = [await issue(), await issue({ isStapleDemanded: true }), await authority.issue()]
    const { port, staples } = await serving(before)
    const waiting = staples.change(certificateOf(second))
    await staples.change(certificateOf(third))
    await keep(second, answerAbout(second))
    await waiting
    assert.equal((await seen(port)).serial, third.certificate.serialNumber)
  })

  test('that names no responder is taken up at once, and nobody listens for it', async () => {
    const [first, next] = [await authority.issue(), await authority.issue()]
    const { server, staples, port } = await serving(first)
    void staples.change(certificateOf(next))
    assert.deepEqual([await seen(port), server.listenerCount('OCSPRequest')], [{ staple: undefined, serial: next.certificate.serialNumber }, 0])
  })
})

describe('with OpenSSL as the client', { skip: hasOpenssl ? false : 'openssl is not installed' }, () => {
  test('it believes the stapled answer', async () => {
    const leaf = await issue({ isStapleDemanded: true })
    await keep(leaf, answerAbout(leaf))
    const { port } = await serving(leaf)
    const folder = mkdtempSync(join(tmpdir(), 'ngome-staple-'))
    try {
      writeFileSync(join(folder, 'ca.pem'), authority.root.cert)
      const run = promisify(execFile)('openssl', [
        's_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-CAfile', join(folder, 'ca.pem'), '-status', '-verify_return_error',
      ], { timeout: 20_000 })
      run.child.stdin?.end('Q\n')
      const { stdout } = await run
      assert.match(stdout, /OCSP Response Status: successful/)
      assert.match(stdout, /Cert Status: good/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

test('a running gateway staples what comes, and the next one from its first connection on', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-staple-'))
  const leaf = await issue({ hosts: ['localhost', '127.0.0.1'] })
  const [certificatePath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certificatePath, authority.chainOf(leaf))
  writeFileSync(keyPath, leaf.key, { mode: 0o600 })
  const config = (given: Parameters<NonNullable<NonNullable<Parameters<typeof TestGateway.start>[0]>['config']>>[0]) =>
    ({ ...given, gateway: { ...given.gateway, publicNames: ['localhost'], certificateNames: ['localhost'], tls: { ...given.gateway.tls, certificatePath, keyPath } } })
  const running = await TestGateway.start({ config })
  t.after(async () => {
    await running.close()
    rmSync(folder, { recursive: true })
  })
  const response = answerAbout(leaf)
  await keep(leaf, response, running.database)
  const deadline = Date.now() + 30_000
  while ((await seen(running.port)).staple === undefined) {
    assert.ok(Date.now() < deadline, 'nothing is stapled')
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const next = await TestGateway.start({ config, beside: running })
  t.after(() => next.close())
  assert.deepEqual((await seen(next.port)).staple, Buffer.from(response))
})
