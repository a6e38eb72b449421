import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { selfTestResponseSchema, type SelfTestResponse } from '@ngome/contracts'
import { Fault, systemRandom, toBase64Url, type PaymentId } from '@ngome/kernel'
import type { Identity } from '@ngome/runtime'
import {
  compiledBefore, freePorts, MtnMomoSimulator, SealingMerchant, startTestCustodian, testDatabase, type TestCustodian, type TestDatabase,
} from '@ngome/testkit'

const repository = resolve(import.meta.dirname, '..', '..')
const dataDir = mkdtempSync(join(tmpdir(), 'ngome-dispatcher-'))
const folder = join(dataDir, 'dispatcher')

let database: TestDatabase
let simulator: MtnMomoSimulator
let merchant: SealingMerchant
let custodian: TestCustodian
let operator: Identity
let internalPort = 0
let child: ChildProcess | undefined
let output = ''

before(async () => {
  [database, simulator] = await Promise.all([testDatabase(), MtnMomoSimulator.start({ DECIDE_AFTER_MS: '50' })])
  merchant = await SealingMerchant.create(database)
  custodian = await startTestCustodian({
    dataDir,
    answers: {
      '/v1/open': (body) => {
        if (body.purpose !== 'dispatch') throw new Fault('custodian/refused', 'a payment is opened for dispatch')
        return merchant.open(body)
      },
      '/v1/secrets': ({ names }) => {
        if (names.some((name) => name !== 'callback' && name !== 'index-outer')) throw new Fault('custodian/refused', 'not for the dispatcher')
        return { secrets: names.map((name) => ({ name, version: 1, value: toBase64Url(systemRandom.bytes(32)) })) }
      },
    },
  })
  operator = await custodian.enrol('operator')
  const [port = 0] = await freePorts(1)
  internalPort = port
  await configure()
})
after(async () => {
  child?.kill('SIGKILL')
  operator.stop()
  await Promise.all([custodian.close(), simulator.stop()])
  await database.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function configure(): Promise<void> {
  const { host, port, database: name, password } = database.connection('ngome_dispatcher')
  const { host: custodianHost, port: custodianPort, enrolmentPort } = custodian.config.custodian
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'db-password'), password.expose((text) => text), { mode: 0o600 })
  const credentials = await simulator.provision('sandbox', 'localhost')
  writeFileSync(join(folder, 'providers.json'), JSON.stringify({ 'mtn-sandbox': credentials }), { mode: 0o600 })
  writeFileSync(join(folder, 'ngome.json'), JSON.stringify({
    dataDir,
    custodian: { host: custodianHost, port: custodianPort, enrolmentPort },
    database: { host, port, name },
    dispatcher: { internalPort },
    simulator: { port: simulator.port },
    networks: {
      'mtn-sandbox': {
        connector: 'mtn-momo', world: 'test', baseUrl: simulator.url, targetEnvironment: 'sandbox', currency: 'EUR', callingCode: '46',
        enquiryIntervalS: 1, settleAfterS: 1, giveUpAfterS: 20, requestTimeoutMs: 500,
      },
    },
  }))
}

/** With the launcher's flags. */
async function start(): Promise<void> {
  const authority = join(dataDir, 'ca.pem')
  const { flags, env } = compiledBefore()
  child = spawn(process.execPath, [
    '--permission', '--allow-net', `--allow-fs-read=${repository}`, `--allow-fs-read=${folder}`, `--allow-fs-read=${authority}`,
    `--allow-fs-write=${folder}`, ...flags, '--no-experimental-sqlite', '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts'),
  ], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...env, NGOME_DATA: dataDir, NGOME_CONFIG: join(folder, 'ngome.json'),
      NGOME_ENROLMENT_TOKEN: custodian.token('dispatcher').expose((text) => text),
    },
  })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => { output += chunk.toString('utf8') })
  const [message] = await Promise.race([
    once(child, 'message') as Promise<[unknown]>,
    once(child, 'exit').then(() => { throw new Error(`the dispatcher did not start: ${output}`) }),
  ])
  assert.deepEqual(message, { type: 'ready' })
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  const process_ = child
  assert(process_ !== undefined)
  const ended = once(process_, 'exit') as Promise<[number | null]>
  process_.kill(signal)
  return (await ended)[0]
}

function call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const { key, cert, ca } = operator.secureContext()
  return new Promise((done, failed) => {
    const outgoing = request({
      host: '127.0.0.1', servername: 'localhost', port: internalPort, method, path, key, cert, ca, agent: false,
      headers: body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const answer = Buffer.concat(chunks).toString('utf8')
        done({ status: incoming.statusCode ?? 0, body: answer.startsWith('{') ? JSON.parse(answer) as unknown : answer })
      })
    })
    outgoing.on('error', failed)
    outgoing.end(text)
  })
}

async function selfTest(name: string, input: object = {}): Promise<SelfTestResponse> {
  const { status, body } = await call('POST', `/self-test/${name}`, { challenge: toBase64Url(systemRandom.bytes(32)), ...input })
  assert.equal(status, 200, JSON.stringify(body))
  return selfTestResponseSchema.parse(body)
}

async function statusOf(id: PaymentId): Promise<unknown> {
  return (await database.asAdmin('SELECT status FROM ngome.payments WHERE id = $1', [id]))[0]?.['status']
}

async function ended(id: PaymentId): Promise<unknown> {
  for (let turn = 0; turn < 400; turn++) {
    const status = await statusOf(id)
    if (status === 'succeeded' || status === 'failed') return status
    await sleep(50)
  }
  throw new Error(`${id} did not end: ${String(await statusOf(id))}`)
}

async function chargesOf(id: PaymentId): Promise<number> {
  return (await simulator.charges()).filter(({ externalId }) => externalId === id).length
}

describe('the process, with the launcher\'s flags', () => {
  before(start)

  test('is healthy and ready, and counts', async () => {
    assert.equal((await call('GET', '/healthz')).status, 200)
    assert.equal((await call('GET', '/readyz')).status, 200)
    const id = await merchant.accept({ phone: '+46733123499' })
    assert.equal(await ended(id), 'succeeded')
    assert.equal(await chargesOf(id), 1)
    assert.match(String((await call('GET', '/metrics')).body), /ngome_dispatcher_jobs_total\{queue="payment-dispatch",outcome="done",process="dispatcher"\} 1/)
  })
  test('a payment for another purpose, and secrets that are not its own, are refused by the custodian', async () => {
    assert.equal((await selfTest('open-wrong-purpose')).outcome, 'refused')
    assert.equal((await selfTest('secrets')).outcome, 'refused')
  })
  test('the egress guard refuses a cloud\'s metadata and a listener of the operator\'s', async () => {
    assert.deepEqual(await selfTest('egress-guard'), { outcome: 'refused', code: 'egress/refused' })
    assert.deepEqual(await selfTest('egress-guard', { port: simulator.port }), { outcome: 'refused', code: 'egress/refused' })
  })
  test('nothing of a payer, a key or a credential is in its log', () => {
    const { 'mtn-sandbox': credentials } = JSON.parse(readFileSync(join(folder, 'providers.json'), 'utf8')) as Record<string, Record<string, string>>
    for (const secret of ['733123499', ...Object.values(credentials ?? {})]) assert(!output.includes(secret), secret)
    assert(output.includes('payment ended'))
  })
  test('killed in the middle of many payments, three times: each is charged once', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, (_, at) => merchant.accept({ phone: `+467332400${String(at).padStart(2, '0')}` })))
    for (const pauseMs of [30, 90, 200]) {
      await sleep(pauseMs)
      await end('SIGKILL')
      await start()
    }
    for (const id of ids) {
      assert.equal(await ended(id), 'succeeded')
      assert.equal(await chargesOf(id), 1)
    }
  })
  test('ends in order when it is told to, and leaves nothing half done', async () => {
    const id = await merchant.accept({ phone: '+46733250001' })
    await sleep(20)
    assert.equal(await end('SIGTERM'), 0)
    assert((await chargesOf(id)) <= 1)
    await start()
    assert.equal(await ended(id), 'succeeded')
    assert.equal(await chargesOf(id), 1)
    assert.equal(await end('SIGTERM'), 0)
  })
  test('refuses to start without credentials', async () => {
    rmSync(join(folder, 'providers.json'))
    await assert.rejects(start(), /did not start/)
  })
})
