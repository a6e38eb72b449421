import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { makeDataKey, verifyStatement } from '@ngome/envelope'
import { newId, parseBase64Url, Secret, systemClock, systemRandom, toBase64Url, type ProcessRole } from '@ngome/kernel'
import { createLogger, custodianClient, enrol, type CustodianClient } from '@ngome/runtime'
import { freePorts, seedFrom, SeededRandom } from '@ngome/testkit'
import { checkLog } from './log/check-log.ts'
import { openSqliteStore } from './store/sqlite/open-sqlite-store.ts'
import { openRequest, sealedRecord } from './testing/sealed-record.ts'

const repository = resolve(import.meta.dirname, '..', '..')
const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(Math.random() * 2 ** 31))
const logger = createLogger({ process: 'test', level: 'fatal', destination: { write: () => undefined } })
const startMsMax = 60_000

/** The custodian's process, with the flags that the launcher gives it. */
class CustodianProcess {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'ngome-custodian-main-'))
  readonly folder = join(this.dataDir, 'custodian')
  readonly #enrolmentKey = systemRandom.bytes(32)
  readonly #ports: readonly number[]
  child: ChildProcess | undefined
  output = ''

  private constructor(ports: readonly number[]) {
    this.#ports = ports
    mkdirSync(this.folder, { mode: 0o700 })
    writeFileSync(join(this.folder, 'enrolment.key'), this.#enrolmentKey, { mode: 0o600 })
  }

  static async create(t: { after(fn: () => unknown): void }): Promise<CustodianProcess> {
    const created = new CustodianProcess(await freePorts(2))
    t.after(async () => {
      await created.kill()
      rmSync(created.dataDir, { recursive: true })
    })
    return created
  }

  start(): ChildProcess {
    const [port, enrolmentPort] = this.#ports
    this.output = ''
    this.child = spawn(process.execPath, [
      '--permission', '--allow-net', `--allow-fs-read=${repository}`, `--allow-fs-read=${this.folder}`,
      `--allow-fs-read=${join(this.dataDir, 'ca.pem')}`, `--allow-fs-write=${this.folder}`,
      '--disable-warning=ExperimentalWarning', join(repository, 'services', 'custodian', 'main.ts'),
    ], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        NGOME_CONFIG: '', NGOME_DATA: this.dataDir,
        NGOME_CUSTODIAN__PORT: String(port), NGOME_CUSTODIAN__ENROLMENT_PORT: String(enrolmentPort),
      },
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
    }
    return this.child
  }

  /** Starts and waits until it says that it is ready. */
  async ready(): Promise<void> {
    const child = this.start()
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the custodian ended: ${this.output}`)
    })
    await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(startMsMax) }), ended])
    copyFileSync(join(this.folder, 'ca.pem'), join(this.dataDir, 'ca.pem'))
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    child.kill(signal)
    await once(child, 'exit')
    return child.exitCode
  }

  get config() {
    const [port = 0, enrolmentPort = 0] = this.#ports
    return { dataDir: this.dataDir, custodian: { host: '127.0.0.1', port, enrolmentPort, enrolmentKeyPath: '' } }
  }

  async client(role: ProcessRole, signerPublicKey?: KeyObject) {
    const claims = { role, expiresAtMs: systemClock.nowMs() + 60_000, nonce: toBase64Url(systemRandom.bytes(16)) }
    const body = toBase64Url(Buffer.from(JSON.stringify(claims)))
    const token = new Secret(`${body}.${createHmac('sha256', this.#enrolmentKey).update(body).digest('base64url')}`)
    const identity = await enrol({
      config: this.config, role, token, clock: systemClock, random: systemRandom, logger,
      ...(signerPublicKey === undefined ? {} : { signerPublicKey }),
    })
    return { identity, client: custodianClient(identity, this.config) }
  }
}

test('starts with the launcher\'s flags, warns of its root key, and ends in order', async (t) => {
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  assert.match(custodian.output, /"level":"warn".*software-unprotected/)
  assert.equal(await custodian.kill('SIGTERM'), 0)
  assert.match(custodian.output, /shut down/)
  const root = readFileSync(join(custodian.folder, 'root.key'))
  await custodian.ready()
  assert.deepEqual(readFileSync(join(custodian.folder, 'root.key')), root)
  assert.doesNotMatch(custodian.output, new RegExp(root.toString('hex')))
})

test('ends when the launcher goes', async (t) => {
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  const { child } = custodian
  assert.ok(child)
  child.disconnect()
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('does not start where the root key is open to others, and says which file', async (t) => {
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  await custodian.kill()
  chmodSync(join(custodian.folder, 'root.key'), 0o644)
  const child = custodian.start()
  assert.deepEqual(await once(child, 'exit'), [1, null])
  assert.match(custodian.output, /root\.key must be a plain file of this user with mode 0600, not 644/)
})

test(`a first run that is killed anywhere is simply made again (seed ${seed})`, async (t) => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 3; round++) {
    const custodian = await CustodianProcess.create(t)
    for (let kill = 0; kill < 2; kill++) await killAmongChanges(custodian, random.between(1, 24), random.between(0, 3))
    const rootKey = join(custodian.folder, 'root.key')
    const before = existsSync(rootKey) ? readFileSync(rootKey) : undefined
    await custodian.ready()
    if (before !== undefined) assert.deepEqual(readFileSync(rootKey), before)
    const { client } = await custodian.client('operator')
    await client.call('/v1/openings', { after: 0 })
    client.close()
    await custodian.kill()
  }
})

/** Kills the process after so many changes in its folder, and a moment: wherever the first run is by then. */
async function killAmongChanges(custodian: CustodianProcess, changes: number, thenMs: number): Promise<void> {
  const { promise, resolve: reached } = Promise.withResolvers<void>()
  let seen = 0
  const watcher = watch(custodian.folder, () => {
    if (++seen === changes) setTimeout(reached, thenMs)
  })
  const child = custodian.start()
  child.once('message', () => reached())
  child.once('exit', () => reached())
  await promise
  watcher.close()
  await custodian.kill()
}

test(`no opening that was answered is missing from the log, wherever the process is killed (seed ${seed})`, async (t) => {
  const random = new SeededRandom(seed ^ 0x5eed)
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  const { dispatcher, dataKey } = await prepare(custodian)
  t.after(() => dispatcher.close())
  const answered = new Map<string, number>()
  for (let round = 0; round < 4; round++) {
    const limit = random.between(1, 60)
    await openUntilKilled(custodian, dispatcher, dataKey, answered, limit)
    await assertAllLogged(custodian.folder, answered)
    await custodian.ready()
  }
  assert.ok(answered.size > 0)
  const record = sealedRecord(systemClock, dataKey, 'after')
  assert.equal((await dispatcher.call('/v1/open', openRequest(dataKey.sealed, [record]))).keys.length, 1)
})

type DataKey = Awaited<ReturnType<typeof makeDataKey>>

async function prepare(custodian: CustodianProcess): Promise<{ dispatcher: CustodianClient; dataKey: DataKey }> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const tenant = { merchant: newId('merchant', { clock: systemClock, random: systemRandom }), world: 'test' } as const
  const operator = await custodian.client('operator')
  await operator.client.call('/v1/merchants', tenant)
  const gateway = await custodian.client('gateway', publicKey)
  const { statements } = await gateway.client.call('/v1/merchant-keys', { tenants: [tenant] })
  const [statement] = statements.map((text) => verifyStatement(parseBase64Url(text) ?? new Uint8Array(), gateway.identity.statementKey))
    .filter(({ retention }) => retention === 'payment')
  assert.ok(statement && gateway.identity.signerId)
  const signer = { id: gateway.identity.signerId, privateKey }
  const dataKey = await makeDataKey({ statement, signer, clock: systemClock, random: systemRandom })
  operator.client.close()
  gateway.client.close()
  return { dispatcher: (await custodian.client('dispatcher')).client, dataKey }
}

/** Eight callers open records until so many were answered; then the process is killed amid the rest. */
async function openUntilKilled(
  custodian: CustodianProcess, dispatcher: CustodianClient, dataKey: DataKey, answered: Map<string, number>, limit: number,
): Promise<void> {
  let count = 0
  let isKilled = false
  const caller = async () => {
    while (!isKilled) {
      const record = sealedRecord(systemClock, dataKey, 'x')
      try {
        await dispatcher.call('/v1/open', openRequest(dataKey.sealed, [record]), { timeoutMs: 10_000 })
      } catch (error) {
        if (!isKilled) throw error
        return
      }
      answered.set(record.context.recordId, (answered.get(record.context.recordId) ?? 0) + 1)
      if (++count === limit) {
        isKilled = true
        await custodian.kill()
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, caller))
}

async function assertAllLogged(folder: string, answered: ReadonlyMap<string, number>): Promise<void> {
  const store = openSqliteStore(folder, systemRandom)
  try {
    assert.equal((await checkLog(store)).ok, true)
    const rows = store.db.prepare(`SELECT subject FROM log WHERE operation = '/v1/open' AND outcome = 'allowed'`).all()
    const logged = rows.map((row) => String(row['subject']))
    for (const record of answered.keys()) assert.ok(logged.some((subject) => subject.includes(record)), record)
    const used = store.db.prepare(`SELECT sum(used) AS used FROM budgets WHERE subject <> '*'`).get()?.['used']
    assert.equal(Number(used), logged.length)
  } finally {
    await store.close()
  }
}
