import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultKeySettings, keySettingsJson, newApiKey } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { newId, parseBase64Url, Secret, systemClock, systemRandom, toBase64Url, type ProcessRole, type Tenant } from '@ngome/kernel'
import { createLogger, custodianClient, enrol, verifyRefusal, type CustodianClient, type Identity, type SignedRefusal } from '@ngome/runtime'
import { addMerchant, issueApiKey } from '@ngome/store'
import { compiledBefore, MerchantClient, testDatabase, WatchedChild, type TestDatabase } from '@ngome/testkit'
import { callInternal } from '../testing/call-internal.ts'
import { GatewayProcess, newPlatform, removePlatform, type Platform } from '../testing/gateway-process.ts'

const from = { clock: systemClock, random: systemRandom }
const root = resolve(import.meta.dirname, '../../..')
const enrolmentKey = systemRandom.bytes(32)
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' }

let platform: Platform
let database: TestDatabase
let custodianProcess: WatchedChild | undefined
let operator: Identity
let custodian: CustodianClient
let gateway: GatewayProcess
let client: MerchantClient

function token(role: ProcessRole): Secret<string> {
  const claims = { role, expiresAtMs: Date.now() + 60_000, nonce: toBase64Url(systemRandom.bytes(16)) }
  const body = toBase64Url(Buffer.from(JSON.stringify(claims)))
  return new Secret(`${body}.${createHmac('sha256', enrolmentKey).update(body).digest('base64url')}`)
}

/** The custodian as the launcher starts it. */
async function startCustodian(): Promise<void> {
  const own = join(platform.folder, 'custodian')
  mkdirSync(own, { recursive: true, mode: 0o700 })
  writeFileSync(join(own, 'enrolment.key'), enrolmentKey, { mode: 0o600 })
  const { flags, env } = compiledBefore()
  const child = spawn(process.execPath, [
    '--permission', '--allow-net', `--allow-fs-read=${root}`, `--allow-fs-read=${own}`,
    `--allow-fs-read=${join(platform.folder, 'ca.pem')}`, `--allow-fs-write=${own}`, ...flags, '--disable-warning=ExperimentalWarning',
    join(root, 'services/custodian/main.ts'),
  ], {
    cwd: root, stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...env, NGOME_DATA: platform.folder, NGOME_CONFIG: '', NGOME_CUSTODIAN__PORT: String(platform.ports.custodian),
      NGOME_CUSTODIAN__ENROLMENT_PORT: String(platform.ports.enrolment),
    },
  })
  custodianProcess = new WatchedChild('custodian', child)
  let isReady = false
  child.once('message', () => { isReady = true })
  await custodianProcess.until('message', () => isReady, 60_000)
  // What the launcher does: the copy that everybody may read.
  copyFileSync(join(own, 'ca.pem'), join(platform.folder, 'ca.pem'))
}

/** What the set-up has made so far, to be undone in the reverse order, also where it did not get to its end. */
const undo: (() => unknown)[] = []

before(async () => {
  platform = await newPlatform()
  undo.push(() => removePlatform(platform))
  database = await testDatabase()
  undo.push(() => database.close(), () => custodianProcess?.end('SIGKILL', 10_000))
  await startCustodian()
  const config = {
    dataDir: platform.folder,
    custodian: { host: '127.0.0.1', port: platform.ports.custodian, enrolmentPort: platform.ports.enrolment, enrolmentKeyPath: '' },
  }
  const logger = createLogger({ process: 'operator', level: 'fatal', destination: { write: () => undefined } })
  operator = await enrol({ config, role: 'operator', token: token('operator'), ...from, logger })
  custodian = custodianClient(operator, config)
  undo.push(() => operator.stop(), () => custodian.close())
  const key = await addMerchantWithKey()
  gateway = new GatewayProcess(platform, database, token('gateway'), { hasChannel: false })
  undo.push(() => gateway.stop())
  client = new MerchantClient({ port: platform.ports.gateway, ca: readFileSync(join(platform.folder, 'ca.pem'), 'utf8'), key })
  undo.push(() => client.close())
  await gateway.untilSo('answer', async () => (await client.call({ path: '/v1/payments' })).status === 200, 30_000)
})
after(async () => {
  for (const step of undo.reverse()) await step()
})

/** As the operator's commands do it. */
async function addMerchantWithKey(): Promise<string> {
  const db = database.open('ngome_operator', { poolMax: 1 })
  await custodian.call('/v1/merchants', tenant)
  await addMerchant(db, { id: tenant.merchant, name: 'Test', createdAtMs: Date.now() },
    emit({ ...from, process: 'operator' }, 'merchant.created', { merchant: tenant.merchant, world: null }, {}))
  return issueKey()
}

async function issueKey(): Promise<string> {
  const db = database.open('ngome_operator', { poolMax: 1 })
  const key = newApiKey({ world: 'test', ...from })
  const { verifier, pepperVersion, proof } = await custodian.call('/v1/api-key-verifier', {
    ...tenant, key: key.id, digest: toBase64Url(key.digest), settings: keySettingsJson(defaultKeySettings()),
  })
  const bytesOf = (text: string): Uint8Array => parseBase64Url(text) ?? new Uint8Array()
  await issueApiKey(db, { id: key.id, tenant, verifier: bytesOf(verifier), proof: bytesOf(proof), pepperVersion, settings: defaultKeySettings(), hint: 'test', createdAtMs: Date.now() },
    emit({ ...from, process: 'operator' }, 'api_key.issued', tenant, { key: key.id }))
  return key.text.expose((text) => text)
}

test('with the real custodian a payment is sealed and accepted, and goes on being so when it dies', async () => {
  const pay = (idempotencyKey: string) => client.call({ method: 'POST', path: '/v1/payments', body: order, idempotencyKey })
  const first = await pay('one')
  assert.equal(first.status, 201, `${first.text}\n${gateway.output}`)
  const challenge = toBase64Url(systemRandom.bytes(32))
  for (const name of ['open', 'index']) {
    const answer = await callInternal(operator, platform.ports.internal, `/self-test/${name}`, { challenge })
    const { outcome, refusal } = answer.body as { outcome: string; refusal: SignedRefusal }
    assert.equal(outcome, 'refused', answer.text)
    const statement = verifyRefusal(operator.statementKey, refusal, challenge)
    assert.match(statement?.caller ?? '', /^gateway\//)
  }
  await custodianProcess?.end('SIGKILL', 10_000)
  const second = await pay('two')
  assert.equal(second.status, 201, second.text)
  await startCustodian()
})

test('a minute after a merchant\u2019s keys are known to others, nothing more is sealed to them', async (t) => {
  const boundMs = 60_000
  const sealedTo = async (idempotencyKey: string): Promise<string> => {
    const answer = await client.call({ method: 'POST', path: '/v1/payments', body: order, idempotencyKey })
    assert.equal(answer.status, 201, `${answer.text}\n${gateway.output}`)
    const [row] = await database.asAdmin('SELECT data_key FROM ngome.payments WHERE id = $1', [(JSON.parse(answer.text) as { id: string }).id])
    return String(row?.['data_key'])
  }
  const before = await sealedTo('before')
  assert.equal(await sealedTo('still'), before)
  await custodian.call('/v1/rotate-merchant-keys', { ...tenant, compromised: true })
  const atMs = performance.now()
  for (let tries = 0; await sealedTo(`after-${tries}`) === before; tries++) {
    assert(performance.now() - atMs < boundMs, 'still sealed to a key that others know')
    await sleep(250)
  }
  t.diagnostic(`sealed to the new key ${Math.round(performance.now() - atMs)} ms after`)
  const rows = await database.asAdmin('SELECT count(DISTINCT sealed)::int AS n FROM ngome.data_keys WHERE merchant = $1', [tenant.merchant])
  assert.deepEqual(rows, [{ n: 2 }])
})

test('with the real custodian the pepper is replaced while keys are used, and the old one goes when all have moved', async () => {
  const rotations = async () => (await custodian.call('/v1/rotations', {})).rotations.filter(({ level }) => level === 'secret')
  await custodian.call('/v1/rotate-secret', { name: 'api-pepper', compromised: false, endAt: null })
  const fresh = new MerchantClient({ port: platform.ports.gateway, ca: readFileSync(join(platform.folder, 'ca.pem'), 'utf8'), key: await issueKey() })
  try {
    // The first key under the new pepper tells the gateway that there is one.
    assert.equal((await fresh.call({ path: '/v1/payments' })).status, 200, gateway.output)
    for (let look = 0; look < 100 && (await rotations())[0]?.state !== 'done'; look++) {
      assert.equal((await client.call({ path: '/v1/payments' })).status, 200, gateway.output)
      await sleep(100)
    }
    assert.deepEqual((await rotations()).map(({ state, done, total }) => [state, done, total]), [['done', 1, 1]])
    assert.equal((await client.call({ path: '/v1/payments' })).status, 200, gateway.output)
  } finally {
    fresh.close()
  }
})
