import { spawn, type ChildProcess } from 'node:child_process'
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { makeDataKey, verifyStatement, type DataKey } from '@ngome/envelope'
import {
  newId, parseBase64Url, Secret, systemClock, systemRandom, toBase64Url, type ProcessRole, type Tenant,
} from '@ngome/kernel'
import { createLogger, custodianClient, enrol, type CustodianClient, type Identity } from '@ngome/runtime'
import { compiledBefore, freePorts } from '@ngome/testkit'
import type { Pair } from './test-custodian.ts'

const repository = resolve(import.meta.dirname, '..', '..', '..')
const logger = createLogger({ process: 'test', level: 'fatal', destination: { write: () => undefined } })
const startMsMax = 60_000

/** The custodian's process, with the flags that the launcher gives it. */
export class CustodianProcess {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'ngome-custodian-main-'))
  readonly folder = join(this.dataDir, 'custodian')
  readonly #enrolmentKey: Uint8Array
  readonly #ports: readonly number[]
  readonly #pair: Pair | undefined
  /** Configuration besides, as environment variables. */
  settings: Readonly<Record<string, string>> = {}
  /** Flags of Node besides. */
  flags: readonly string[] = []
  /** The other of a pair. */
  twin: CustodianProcess | undefined
  child: ChildProcess | undefined
  output = ''

  private constructor(ports: readonly number[], pair: Pair | undefined) {
    this.#ports = ports
    this.#pair = pair
    this.#enrolmentKey = pair?.enrolmentKey ?? systemRandom.bytes(32)
    mkdirSync(this.folder, { mode: 0o700 })
    writeFileSync(join(this.folder, 'enrolment.key'), this.#enrolmentKey, { mode: 0o600 })
    if (pair === undefined) return
    writeFileSync(join(this.folder, 'root.key'), pair.rootKey, { mode: 0o600 })
    const { url: _url, ...pems } = pair.database
    for (const [name, pem] of Object.entries(pems)) {
      writeFileSync(join(this.folder, `database-${name}.pem`), pem.expose((text) => text), { mode: 0o600 })
    }
  }

  static async create(t?: { after(fn: () => unknown): void }, pair?: Pair): Promise<CustodianProcess> {
    const created = new CustodianProcess(await freePorts(2), pair)
    t?.after(() => created.remove())
    return created
  }

  start(): ChildProcess {
    const [port, enrolmentPort] = this.#ports
    const { flags, env } = compiledBefore()
    this.output = ''
    this.child = spawn(process.execPath, [
      '--permission', '--allow-net', `--allow-fs-read=${repository}`, `--allow-fs-read=${this.folder}`,
      `--allow-fs-read=${join(this.dataDir, 'ca.pem')}`, `--allow-fs-write=${this.folder}`,
      ...flags, ...this.flags, '--disable-warning=ExperimentalWarning', join(repository, 'services', 'custodian', 'main.ts'),
    ], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...env,
        NGOME_CONFIG: '', NGOME_DATA: this.dataDir,
        NGOME_CUSTODIAN__PORT: String(port), NGOME_CUSTODIAN__ENROLMENT_PORT: String(enrolmentPort),
        ...this.#pairEnvironment(), ...this.settings,
      },
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
    }
    return this.child
  }

  #pairEnvironment(): Record<string, string> {
    if (this.#pair === undefined) return {}
    const file = (name: string): string => join(this.folder, `database-${name}.pem`)
    return {
      NGOME_CUSTODIAN__DATABASE__URL: this.#pair.database.url.expose((text) => text),
      NGOME_CUSTODIAN__DATABASE__AUTHORITY_FILE: file('authority'),
      NGOME_CUSTODIAN__DATABASE__CERTIFICATE_FILE: file('certificate'),
      NGOME_CUSTODIAN__DATABASE__KEY_FILE: file('key'),
    }
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

  get #place() {
    const [port = 0, enrolmentPort = 0] = this.#ports
    return { host: '127.0.0.1', port, enrolmentPort }
  }

  get config() {
    const twin = this.twin === undefined ? {} : { twin: this.twin.#place }
    return { dataDir: this.dataDir, custodian: { ...this.#place, enrolmentKeyPath: '', ...twin } }
  }

  /** Enrols as a process of this role. */
  async client(role: ProcessRole, signerPublicKey?: KeyObject): Promise<{ identity: Identity; client: CustodianClient }> {
    const claims = { role, expiresAtMs: systemClock.nowMs() + 60_000, nonce: toBase64Url(systemRandom.bytes(16)) }
    const body = toBase64Url(Buffer.from(JSON.stringify(claims)))
    const token = new Secret(`${body}.${createHmac('sha256', this.#enrolmentKey).update(body).digest('base64url')}`)
    const identity = await enrol({
      config: this.config, role, token, clock: systemClock, random: systemRandom, logger,
      ...(signerPublicKey === undefined ? {} : { signerPublicKey }),
    })
    return { identity, client: custodianClient(identity, this.config) }
  }

  /** A merchant, data keys of his as a gateway makes them, and a dispatcher that may open what is sealed with them. */
  async dispatcherWithDataKeys(count: number): Promise<{ identity: Identity; client: CustodianClient; dataKeys: readonly DataKey[] }> {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const tenant: Tenant = { merchant: newId('merchant', { clock: systemClock, random: systemRandom }), world: 'test' }
    const operator = await this.client('operator')
    await operator.client.call('/v1/merchants', tenant)
    const gateway = await this.client('gateway', publicKey)
    const { statements } = await gateway.client.call('/v1/merchant-keys', { tenants: [tenant] })
    const statement = statements
      .map((text) => verifyStatement(parseBase64Url(text) ?? new Uint8Array(), gateway.identity.statementKey))
      .find(({ retention }) => retention === 'payment')
    const { signerId } = gateway.identity
    if (statement === undefined || signerId === null) throw new TypeError('a custodian without statement or signer')
    const dataKeys: DataKey[] = []
    while (dataKeys.length < count) {
      dataKeys.push(await makeDataKey({ statement, signer: { id: signerId, privateKey }, clock: systemClock, random: systemRandom }))
    }
    operator.client.close()
    gateway.client.close()
    return { ...await this.client('dispatcher'), dataKeys }
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}
