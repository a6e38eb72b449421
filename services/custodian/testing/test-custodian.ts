import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { merchantKeyScopesDefault, type CustodianPath, type CustodianRequest, type CustodianResponse } from '@ngome/contracts'
import {
  ManualClock, newId, systemRandom, toBase64Url,
  type Clock, type JsonValue, type ProcessRole, type SignerId, type Tenant,
} from '@ngome/kernel'
import { newCertificateRequest, publicKeyText } from '@ngome/runtime'
import { answerCall, type Call } from '../calls/answer-call.ts'
import type { Alarm, Custodian, Settings } from '../custodian.ts'
import { openCustodian } from '../open-custodian.ts'
import { openTokenRoots } from '../root-keys/pkcs11/token-roots.ts'
import type { CustodianDatabase } from '../store/postgres/open-postgres-store.ts'
import { SqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { ScriptedToken } from './scripted-token.ts'
import { serialOf } from './serial-of.ts'

const dayMs = 86_400_000

export const testSettings: Settings = {
  certificateLifeMs: dayMs,
  merchantKeyPeriodMs: dayMs,
  merchantKeySuite: 'hybrid',
  keyPolicy: {
    rootAgeMsMax: 365 * dayMs, authorityAgeMsMax: 1_825 * dayMs, pepperAgeMsMax: 730 * dayMs, pepperKeptMs: 400 * dayMs,
    indexAgeMsMax: 1_460 * dayMs, destructionWaitMs: 7 * dayMs,
  },
  ownKeyPolicy: { scopes: merchantKeyScopesDefault, lifeMsMax: 365 * dayMs },
  publicNames: ['localhost', '127.0.0.1'],
  internalNames: { gateway: [], custodian: ['0.0.0.0'], dispatcher: ['dispatcher.example'], operator: [], auditor: [] },
}

export type TokenClaims = { readonly role: string; readonly expiresAtMs: number; readonly nonce: string }
export type Peer = NonNullable<Call['peer']>
export type Gateway = { readonly peer: Peer; readonly signerId: SignerId; readonly privateKey: KeyObject }

/** What both of a pair are given. */
export type Pair = { readonly database: CustodianDatabase; readonly rootKey: Uint8Array; readonly enrolmentKey: Uint8Array }

/** A root key in a token that a test plays. */
export const scriptedUri = {
  object: 'root', token: 'ngome', id: undefined, serial: undefined, manufacturer: undefined, model: undefined, modulePath: '/m.so',
} as const

/** A real custodian over a real store in a temporary folder, without its sockets. */
export class TestCustodian {
  readonly folder = mkdtempSync(join(tmpdir(), 'ngome-custodian-'))
  readonly enrolmentKey: Uint8Array
  readonly enrolmentKeyPath = join(this.folder, 'enrolment.key')
  readonly clock: Clock
  readonly alarms: Alarm[] = []
  readonly #settings: Settings
  readonly #pair: Pair | undefined
  readonly #token: ScriptedToken | undefined
  #custodian: Custodian | undefined

  private constructor(clock: Clock, settings: Settings, { pair, token, enrolmentKey }: {
    readonly pair?: Pair | undefined; readonly token?: ScriptedToken | undefined; readonly enrolmentKey?: Uint8Array
  }) {
    this.clock = clock
    this.#settings = settings
    this.#pair = pair
    this.#token = token
    this.enrolmentKey = enrolmentKey ?? pair?.enrolmentKey ?? systemRandom.bytes(32)
    if (token !== undefined) writeFileSync(join(this.folder, 'pin'), token.pin, { mode: 0o600 })
    else if (pair !== undefined) writeFileSync(join(this.folder, 'root.key'), pair.rootKey, { mode: 0o600 })
    writeFileSync(this.enrolmentKeyPath, this.enrolmentKey, { mode: 0o600 })
  }

  static async open({ clock = new ManualClock(1_800_000_000_000), settings = {}, pair, token }: {
    readonly clock?: Clock
    readonly settings?: Partial<Settings>
    readonly pair?: Pair
    readonly token?: ScriptedToken
  } = {}): Promise<TestCustodian> {
    const test = new TestCustodian(clock, { ...testSettings, ...settings }, { pair, token })
    await test.reopen()
    return test
  }

  /** Around a custodian that somebody else opened, and whose folder is his. */
  static around(custodian: Custodian): TestCustodian {
    const test = new TestCustodian(custodian.clock, custodian.settings, {
      enrolmentKey: custodian.enrolmentKey.expose((bytes) => bytes),
    })
    test.#custodian = custodian
    rmSync(test.folder, { recursive: true })
    return test
  }

  get custodian(): Custodian {
    if (this.#custodian === undefined) throw new TypeError('this custodian is closed')
    return this.#custodian
  }

  get store(): Store {
    return this.custodian.store
  }

  /** The file behind the store, for what no code of ours does to it. */
  get db(): DatabaseSync {
    if (!(this.store instanceof SqliteStore)) throw new TypeError('this custodian has no file')
    return this.store.db
  }

  commit<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.store.commits.run(work)
  }

  /** As a restart: everything but the folder is forgotten. */
  async reopen(settings: Partial<Settings> = {}): Promise<void> {
    this.close()
    const token = this.#token
    this.#custodian = await openCustodian({
      folder: this.folder, database: this.#pair?.database, enrolmentKeyPath: this.enrolmentKeyPath,
      ...(token === undefined ? { rootKey: { kind: 'file' } } : {
        rootKey: { kind: 'pkcs11', uri: { ...scriptedUri, pinSource: join(this.folder, 'pin') } },
        openToken: (from) => openTokenRoots({ ...from, load: async () => token.cryptoki }),
      }),
      settings: { ...this.#settings, ...settings },
      clock: this.clock, random: systemRandom, alarm: (alarm) => this.alarms.push(alarm),
    })
  }

  close(): void {
    void this.#custodian?.store.close()
    this.#custodian = undefined
  }

  remove(): void {
    this.close()
    rmSync(this.folder, { recursive: true })
  }

  /** A token as the launcher mints it. */
  token(claims: Partial<TokenClaims> = {}, key: Uint8Array = this.enrolmentKey): string {
    const nonce = toBase64Url(systemRandom.bytes(16))
    const whole = { role: 'dispatcher', expiresAtMs: this.clock.nowMs() + 60_000, nonce, ...claims }
    const body = toBase64Url(Buffer.from(JSON.stringify(whole), 'utf8'))
    return `${body}.${createHmac('sha256', key).update(body).digest('base64url')}`
  }

  async enrol(role: ProcessRole, signer: string | null = null): Promise<CustodianResponse<'/v1/enrol'>> {
    const { csr } = await newCertificateRequest(role)
    return this.call(null, '/v1/enrol', { token: this.token({ role }), csr, signer })
  }

  async peer(role: ProcessRole): Promise<Peer> {
    if (role === 'gateway') return (await this.gateway()).peer
    return { role, serial: serialOf((await this.enrol(role)).certificate) }
  }

  /** A gateway process with its signing key. */
  async gateway(): Promise<Gateway> {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const { certificate, signerId } = await this.enrol('gateway', publicKeyText(publicKey))
    if (signerId === null) throw new TypeError('a gateway without a signer')
    return { peer: { role: 'gateway', serial: serialOf(certificate) }, signerId, privateKey }
  }

  /** A merchant in the test world that the operator has registered. */
  async tenant(world: Tenant['world'] = 'test'): Promise<Tenant> {
    const tenant: Tenant = { merchant: newId('merchant', { clock: this.clock, random: systemRandom }), world }
    await this.call(await this.peer('operator'), '/v1/merchants', tenant)
    return tenant
  }

  /** Calls as a client does: what is sent is JSON, and what comes back is answered or a fault. */
  async call<P extends CustodianPath>(
    peer: Peer | null, path: P, body: CustodianRequest<P>, challenge?: string,
  ): Promise<CustodianResponse<P>> {
    const sent = JSON.parse(JSON.stringify(body)) as JsonValue
    return await answerCall(this.custodian, { peer, path, challenge }, sent) as CustodianResponse<P>
  }

  /** The last rows of the log, oldest first. */
  lastLog(count: number): readonly Record<string, unknown>[] {
    return this.db.prepare('SELECT * FROM log ORDER BY sequence DESC LIMIT ?').all(count).toReversed()
  }

  count(table: string): number {
    return Number(this.db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])
  }
}
