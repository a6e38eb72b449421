import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { custodianOperations } from '@ngome/contracts'
import { openRecord } from '@ngome/envelope'
import { ManualClock, parseBase64Url, Secret, systemClock, systemRandom, toBase64Url, type ProcessRole } from '@ngome/kernel'
import {
  createLogger, createMetrics, CustodianRefusal, custodianClient, enrol, internalServer, newCertificateRequest, parseAuthorities, verifyRefusal,
  type Identity, type IdentityContext,
} from '@ngome/runtime'
import { freePorts, TestAuthority } from '@ngome/testkit'
import { ownIdentity } from '../authority/own-identity.ts'
import { workOnKeys } from '../key-life/work-on-keys.ts'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { serialOf } from '../testing/serial-of.ts'
import { TestCustodian } from '../testing/test-custodian.ts'
import { listen, type Listening } from './listen.ts'

const logger = createLogger({ process: 'custodian', level: 'fatal', destination: { write: () => undefined } })
const signer = generateKeyPairSync('ed25519')

type World = { test: TestCustodian; listening: Listening; enrolled: (role: ProcessRole) => Promise<Identity>; config: { custodian: { host: string; port: number } } }

async function world(t: { after(fn: () => unknown): void }, certificateLifeMs = 3_600_000): Promise<World> {
  const test = await TestCustodian.open({ clock: systemClock, settings: { certificateLifeMs: 3_600_000 } })
  const identity = await ownIdentity(test.custodian, logger)
  // Of its callers only: its own goes on.
  Object.assign(test.custodian.settings, { certificateLifeMs })
  const listening = await listen(test.custodian, {
    identity, host: '127.0.0.1', port: 0, enrolmentPort: 0, logger, metrics: createMetrics({ process: 'custodian' }),
  })
  t.after(async () => {
    identity.stop()
    await listening.close()
    test.remove()
  })
  const config = {
    dataDir: test.folder,
    custodian: { host: '127.0.0.1', port: listening.port, enrolmentPort: listening.enrolmentPort, enrolmentKeyPath: '' },
  }
  const enrolled = async (role: ProcessRole) => enrol({
    config, role, token: new Secret(test.token({ role })), clock: systemClock, random: systemRandom, logger,
    ...(role === 'gateway' ? { signerPublicKey: signer.publicKey } : {}),
  })
  return { test, listening, enrolled, config }
}

type Answer = { readonly status: number; readonly body: string }

function post(port: number, path: string, context: Partial<IdentityContext>, options: {
  readonly body?: string; readonly method?: string; readonly agent?: Agent; readonly type?: string
} = {}): Promise<Answer> {
  const { body = '{}', method = 'POST', type = 'application/json' } = options
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1', port, path, method, agent: options.agent ?? false, ...context, servername: 'localhost',
      headers: { 'content-type': type },
    }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

test('a payment\'s way through the custodian, over real mutual TLS', async (t) => {
  const { test, enrolled, config } = await world(t)
  const [operator, gateway, dispatcher] = [await enrolled('operator'), await enrolled('gateway'), await enrolled('dispatcher')]
  const clients = { operator: custodianClient(operator, config), gateway: custodianClient(gateway, config), dispatcher: custodianClient(dispatcher, config) }
  t.after(() => Object.values(clients).forEach((client) => client.close()))
  const tenant = await test.tenant()
  await clients.operator.call('/v1/merchants', tenant)
  assert.deepEqual(await clients.gateway.call('/v1/tenants', { after: null }), { tenants: [tenant] })
  assert.ok(gateway.signerId)
  const peer = { role: 'gateway', serial: serialOf(gateway.secureContext().cert) } as const
  const dataKey = await newDataKey(test, { peer, signerId: gateway.signerId, privateKey: signer.privateKey }, tenant)
  const record = sealedRecord(systemClock, dataKey, '+256700000001')
  const { keys } = await clients.dispatcher.call('/v1/open', openRequest(dataKey.sealed, [record]))
  const key = new Secret(parseBase64Url(keys[0] ?? '') ?? new Uint8Array())
  assert.equal(Buffer.from(openRecord(key, record.blob)).toString(), '+256700000001')
  const { entries } = await clients.operator.call('/v1/openings', { after: 0 })
  assert.ok(entries.some(({ operation, subject }) => operation === '/v1/open' && subject.includes(record.context.recordId)))
})

test('a refusal over the wire is signed for the caller\'s challenge', async (t) => {
  const { enrolled, config, test } = await world(t)
  const gateway = await enrolled('gateway')
  const client = custodianClient(gateway, config)
  t.after(() => client.close())
  const challenge = toBase64Url(systemRandom.bytes(16))
  await assert.rejects(client.call('/v1/openings', { after: 0 }, { challenge }), (fault) => {
    assert.ok(fault instanceof CustodianRefusal && fault.refusal)
    assert.equal(verifyRefusal(gateway.statementKey, fault.refusal, challenge)?.reason, 'caller_not_permitted')
    assert.equal(verifyRefusal(gateway.statementKey, fault.refusal, toBase64Url(new Uint8Array(16))), undefined)
    return true
  })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'caller_not_permitted')
})

test('without a certificate no operation can be asked for on the main port', async (t) => {
  const { test, listening } = await world(t)
  for (const path of Object.keys(custodianOperations)) {
    await assert.rejects(post(listening.port, path, { ca: test.custodian.authority.pem }), path)
  }
})

test('the enrolment port knows enrolment and nothing else, and records who tries', async (t) => {
  const { test, listening } = await world(t)
  const ca = { ca: test.custodian.authority.pem }
  for (const path of [...Object.keys(custodianOperations).filter((one) => one !== '/v1/enrol'), '/healthz', '/readyz', '/metrics', '/self-test/log', '/']) {
    const { status, body } = await post(listening.enrolmentPort, path, ca)
    assert.equal(status, 403, path)
    assert.match(body, /"custodian\/refused"/)
    assert.deepEqual([test.lastLog(1)[0]?.['caller'], test.lastLog(1)[0]?.['operation']], ['anonymous', path])
  }
  assert.equal((await post(listening.enrolmentPort, '/v1/enrol', ca)).status, 403)
  assert.equal(test.lastLog(1)[0]?.['reason'], 'request_invalid')
})

test('refuses at the handshake what is not a process certificate of ours that holds now', async (t) => {
  const { test, listening, enrolled } = await world(t)
  const ca = test.custodian.authority.pem
  const revoked = (await enrolled('dispatcher')).secureContext()
  await test.call(await test.peer('operator'), '/v1/revoke-certificate', { serial: serialOf(revoked.cert) })
  const foreign = await TestAuthority.create('Ngome internal authority')
  const unknown = (await enrolled('dispatcher')).secureContext()
  test.db.prepare('DELETE FROM certificates WHERE serial = ?').run(serialOf(unknown.cert))
  const { csr, privateKey } = await newCertificateRequest('gateway')
  const pem = privateKey.expose((text) => text)
  const { certificate } = await test.call(await test.peer('gateway'), '/v1/public-certificate', { csr })
  const cases: Record<string, Partial<IdentityContext>> = {
    revoked: { ...revoked, ca },
    foreign: { ca, key: pem, cert: await foreign.issue(csr, 'operator') },
    unrecorded: { ...unknown, ca },
    public: { ca, key: pem, cert: certificate },
    'TLS 1.2': { ca, ...({ maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' } as object) },
  }
  const recorded: Partial<Record<string, string>> = {
    revoked: 'certificate_revoked', unrecorded: 'certificate_unknown',
  }
  for (const [name, context] of Object.entries(cases)) {
    const rows = test.count('log')
    await assert.rejects(post(listening.port, '/v1/openings', context), name)
    // What TLS refuses by itself, and that never was a process of ours, is not told from noise.
    const reason = recorded[name]
    assert.equal(test.count('log'), rows + (reason === undefined ? 0 : 1), name)
    if (reason !== undefined) assert.deepEqual([test.lastLog(1)[0]?.['operation'], test.lastLog(1)[0]?.['reason']], ['connect', reason])
  }
})

test('a certificate that ended is refused, at the handshake and on a connection that stayed open, and that is recorded', async (t) => {
  const { test, listening, enrolled } = await world(t, 2_000)
  const context = (await enrolled('operator')).secureContext()
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...context, servername: 'localhost' })
  t.after(() => agent.destroy())
  const options = { agent, body: '{"after":0}' }
  assert.equal((await post(listening.port, '/v1/openings', {}, options)).status, 200)
  await new Promise((resolve) => setTimeout(resolve, 2_100))
  const kept = await post(listening.port, '/v1/openings', {}, options).catch(() => ({ status: 0 }))
  assert.equal(kept.status, 403)
  const of = (row: Record<string, unknown> | undefined) => ['caller', 'operation', 'outcome', 'reason'].map((field) => row?.[field])
  assert.deepEqual(of(test.lastLog(1)[0]), [`operator/${serialOf(context.cert)}`, 'connect', 'refused', 'certificate_expired'])
  const rows = test.count('log')
  await assert.rejects(post(listening.port, '/v1/openings', context, { body: '{"after":0}' }))
  for (const from = performance.now(); test.count('log') === rows && performance.now() - from < 5_000;) await sleep(10)
  assert.deepEqual(of(test.lastLog(1)[0]), ['anonymous', 'connect', 'refused', 'certificate_expired'])
})

test('a certificate that is revoked is refused on a connection that stayed open', async (t) => {
  const { test, listening, enrolled } = await world(t)
  const context = (await enrolled('gateway')).secureContext()
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...context, servername: 'localhost' })
  t.after(() => agent.destroy())
  const options = { agent, body: '{"after":null}' }
  assert.equal((await post(listening.port, '/v1/tenants', {}, options)).status, 200)
  await test.call(await test.peer('operator'), '/v1/revoke-certificate', { serial: serialOf(context.cert) })
  assert.equal((await post(listening.port, '/v1/tenants', {}, options)).status, 403)
  assert.equal(test.lastLog(1)[0]?.['reason'], 'certificate_revoked')
})

test('an unknown path and an unknown method are refused and recorded', async (t) => {
  const { test, listening, enrolled } = await world(t)
  const context = (await enrolled('operator')).secureContext()
  assert.equal((await post(listening.port, '/v1/keys?all=1', context)).status, 403)
  assert.equal(test.lastLog(1)[0]?.['reason'], 'operation_unknown')
  assert.equal((await post(listening.port, '/v1/openings', context, { method: 'PUT' })).status, 404)
})

test('a forbidden caller is refused before his body is read', async (t) => {
  const { test, listening, enrolled } = await world(t)
  const context = (await enrolled('gateway')).secureContext()
  assert.equal((await post(listening.port, '/v1/openings', context, { body: '{' })).status, 403)
  assert.equal(test.lastLog(1)[0]?.['reason'], 'caller_not_permitted')
})

const badBodies: readonly (readonly [string, string, number])[] = [
  ['no JSON', '{', 400],
  ['a duplicate key', '{"after":0,"after":1}', 400],
  ['a key of the prototype', '{"__proto__":{"after":0}}', 400],
  ['a number past a double', '{"after":1e999}', 400],
  ['deep nesting', '['.repeat(1_000), 400],
  ['too much', `"${'x'.repeat(300_000)}"`, 413],
  ['another shape', '{"after":0,"more":1}', 403],
]

test('takes strict, bounded JSON and nothing else', async (t) => {
  const { listening, enrolled } = await world(t)
  const context = (await enrolled('operator')).secureContext()
  for (const [name, body, status] of badBodies) {
    assert.equal((await post(listening.port, '/v1/openings', context, { body })).status, status, name)
  }
  assert.equal((await post(listening.port, '/v1/openings', context, { body: 'after=0', type: 'text/plain' })).status, 415)
})

test('is healthy, ready and measured for those who hold a certificate', async (t) => {
  const { listening, enrolled } = await world(t)
  const context = (await enrolled('operator')).secureContext()
  for (const path of ['/readyz', '/healthz', '/metrics']) {
    assert.equal((await post(listening.port, path, context, { method: 'GET', body: '' })).status, 200, path)
  }
})

test('attempts to connect outwards when the operator asks, and says what came of it', async (t) => {
  const { test, listening, enrolled } = await world(t)
  const context = (await enrolled('operator')).secureContext()
  const [closedPort] = await freePorts(1)
  const ask = async (port?: number) => {
    const body = JSON.stringify({ challenge: toBase64Url(new Uint8Array(32)), ...(port === undefined ? {} : { port }) })
    return JSON.parse((await post(listening.port, '/self-test/egress', context, { body })).body) as unknown
  }
  assert.deepEqual(await ask(), { outcome: 'not_attempted' })
  assert.deepEqual(await ask(listening.port), { outcome: 'connected' })
  assert.deepEqual(await ask(closedPort), { outcome: 'refused', code: 'ECONNREFUSED' })
  const gateway = (await enrolled('gateway')).secureContext()
  assert.equal((await post(listening.port, '/self-test/egress', gateway)).status, 403)
  assert.equal(test.lastLog(1)[0]?.['outcome'], 'allowed')
})

test('a connection that says nothing does not keep the custodian from others', async (t) => {
  const { test, listening, enrolled } = await world(t)
  const idle = connect({ host: '127.0.0.1', port: listening.port, ca: test.custodian.authority.pem, servername: 'localhost' })
  idle.on('error', () => undefined)
  t.after(() => idle.destroy())
  writeFileSync(join(test.folder, 'note'), 'this folder is the custodian\'s')
  assert.equal((await enrolled('dispatcher')).role, 'dispatcher')
})

test('the authority is replaced under processes that run: they follow by what they hear, and what is of the one before is refused', async (t) => {
  // Behind the real one, so that what it issues after hours is valid already.
  const clock = new ManualClock(systemClock.nowMs() - 3 * 3_600_000)
  const custodian = await TestCustodian.open({ clock })
  const identity = await ownIdentity(custodian.custodian, logger)
  const listening = await listen(custodian.custodian, {
    identity, host: '127.0.0.1', port: 0, enrolmentPort: 0, logger, metrics: createMetrics({ process: 'custodian' }),
  })
  const config = {
    dataDir: custodian.folder,
    custodian: { host: '127.0.0.1', port: listening.port, enrolmentPort: listening.enrolmentPort, enrolmentKeyPath: '' },
  }
  // Without a spread what is heard is done at once.
  const base = { config, clock: systemClock, random: { bytes: (length: number) => new Uint8Array(length) }, logger }
  const dispatcher = await enrol({ ...base, role: 'dispatcher', token: new Secret(custodian.token({ role: 'dispatcher' })) })
  const server = await internalServer({ ...base, identity: dispatcher, host: '127.0.0.1', port: 0, metrics: createMetrics({ process: 'dispatcher' }) })
  const client = custodianClient(dispatcher, config)
  identity.startRenewal()
  dispatcher.startRenewal()
  t.after(async () => {
    client.close()
    identity.stop()
    dispatcher.stop()
    await Promise.all([server.close(), listening.close()])
    custodian.remove()
  })
  const first = dispatcher.secureContext()
  const callDispatcher = (context: IdentityContext, ca: string): Promise<Answer> => post(server.port, '/healthz', { ...context, ca }, { method: 'GET', body: '' })
  const goOn = async (): Promise<void> => {
    const { authority } = custodian.custodian
    const isFollowed = (one: Identity): boolean => one.authority === authority.pem
    const until = performance.now() + 20_000
    while (!isFollowed(identity) || !isFollowed(dispatcher)) {
      assert(performance.now() < until, 'it was not followed')
      await client.call('/v1/secret-versions', { names: ['callback'] })
      await sleep(50)
    }
    clock.advance(61_000)
    await workOnKeys(custodian.custodian)
  }
  await custodian.call(await custodian.peer('operator'), '/v1/rotate-authority', { compromised: false })
  assert.equal((await callDispatcher(first, first.ca)).status, 200)
  clock.advance(3_600_000)
  await goOn()
  await goOn()
  await goOn()
  assert.equal(parseAuthorities(dispatcher.authority)?.length, 1)
  assert.notEqual(dispatcher.authority, first.ca)
  const states = custodian.db.prepare(`SELECT state FROM key_lives WHERE purpose = 'authority' ORDER BY name`).all().map((row) => row['state'])
  assert.deepEqual(states, ['destroyed', 'active'])
  const { key, cert } = first
  await assert.rejects(post(listening.port, '/v1/secret-versions', { key, cert, ca: dispatcher.authority }), 'the custodian refuses the old certificate')
  await assert.rejects(callDispatcher({ ...first, key, cert }, dispatcher.authority), 'and so does every process')
  await assert.rejects(callDispatcher(dispatcher.secureContext(), first.ca), 'and who trusts the one before is not answered by anybody')
  assert.equal((await callDispatcher(dispatcher.secureContext(), dispatcher.authority)).status, 200)
})
