import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultKeySettings, newApiKey, parseOrigin, type ApiKeySettings } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type ApiKeyId, type Clock, type ForwardDestinationId, type MerchantSigningKeyId, type Tenant, type World } from '@ngome/kernel'
import { createLogger, createMetrics, custodianClient, enrol, loadConfig, type Config, type Identity } from '@ngome/runtime'
import { signDestination, type MerchantKeyUse } from '@ngome/signatures'
import { addMerchant, addOrigin, freezeMerchant, insertForwardDestination, issueApiKey, removeOrigin, revokeApiKey, revokeSigningKey, setMerchantLimits, setVaultPlaintext, type Database } from '@ngome/store'
import {
  MerchantClient, startTestCustodian, testDatabase, TestAuthority, type TestCustodian, type TestDatabase,
} from '@ngome/testkit'
import { startGateway, type Gateway } from '../gateway.ts'
import { TestCustody } from './test-custody.ts'

const from = { clock: systemClock, random: systemRandom }

export type TestMerchant = { readonly tenant: Tenant; readonly key: string; readonly keyId: ApiKeyId; readonly client: MerchantClient }

/** A gateway as it runs, in this process, with a real database and a custodian that the test owns. */
export class TestGateway {
  readonly port: number
  readonly gateway: Gateway
  readonly database: TestDatabase
  readonly custody: TestCustody
  readonly custodian: TestCustodian
  readonly signerPublicKey: KeyObject
  readonly logLines: string[]
  readonly identity: Identity
  readonly #operator: Database
  readonly #folder: string
  readonly #isOnlyOne: boolean
  readonly #closers: (() => unknown)[]

  private constructor(parts: Parts) {
    this.port = parts.port
    this.gateway = parts.gateway
    this.database = parts.database
    this.custody = parts.custody
    this.custodian = parts.custodian
    this.signerPublicKey = parts.signerPublicKey
    this.logLines = parts.logLines
    this.identity = parts.identity
    this.#operator = parts.operator
    this.#folder = parts.folder
    this.#isOnlyOne = parts.isOnlyOne
    this.#closers = parts.closers
  }

  static async start(options: {
    readonly clock?: Clock
    readonly config?: (config: Config) => Config
    /** Another gateway of the same platform, with its database and custodian; it ends after this one. */
    readonly beside?: TestGateway
    readonly monotonicMs?: () => number
  } = {}): Promise<TestGateway> {
    const clock = options.clock ?? systemClock
    const folder = mkdtempSync(join(tmpdir(), 'ngome-gateway-'))
    const { beside } = options
    const database = beside?.database ?? await testDatabase()
    const authority = beside?.custody.authority ?? await TestAuthority.create()
    const custody = beside?.custody ?? new TestCustody(authority)
    const custodian = await startTestCustodian({ dataDir: folder, authority, answers: custody.answers })
    const logLines: string[] = []
    const logger = createLogger({ process: 'gateway', level: 'trace', destination: { write: (line: string) => void logLines.push(line) } })
    const loaded = loadConfig({ NGOME_DATA: folder, NGOME_CONFIG: '' })
    const config = (options.config ?? ((same) => same))({ ...loaded, limits: wideLimits(loaded.limits), custodian: { ...loaded.custodian, ...custodian.config.custodian } })
    const signer = generateKeyPairSync('ed25519')
    const identity = await enrol({
      config: custodian.config, role: 'gateway', token: custodian.token('gateway'), signerPublicKey: signer.publicKey, ...from, logger,
    })
    const client = custodianClient(identity, config)
    const [main, revocations] = [database.open('ngome_gateway', { poolMax: 16 }), database.open('ngome_gateway', { poolMax: 1 })]
    const gateway = await startGateway({
      config, identity, custodian: client, signingKey: signer.privateKey, database: main, revocationDatabase: revocations,
      clock, random: systemRandom, logger, monotonicMs: options.monotonicMs ?? (() => performance.now()), metrics: createMetrics({ process: 'gateway' }),
    })
    const port = await gateway.listen({ host: '127.0.0.1', port: 0 })
    return new TestGateway({
      port, gateway, database, custody, custodian, logLines, identity, folder, signerPublicKey: signer.publicKey,
      operator: database.open('ngome_operator', { poolMax: 2 }), isOnlyOne: beside === undefined,
      closers: [() => client.close(), () => identity.stop()],
    })
  }

  /** Adds a merchant with an API key, as the operator's commands do. */
  async addMerchant(world: World = 'test'): Promise<TestMerchant> {
    const tenant: Tenant = { merchant: newId('merchant', from), world }
    await addMerchant(this.#operator, { id: tenant.merchant, name: 'Test', createdAtMs: from.clock.nowMs() },
      emit({ ...from, process: 'operator' }, 'merchant.created', { merchant: tenant.merchant, world: null }, {}))
    this.custody.addTenant(tenant)
    return this.issueKey(tenant)
  }

  /** Issues a merchant another key, as the operator's command does. */
  async issueKey(tenant: Tenant, changes: Partial<ApiKeySettings> = {}): Promise<TestMerchant> {
    const settings = { ...defaultKeySettings(changes.kind), ...changes }
    const key = newApiKey({ world: tenant.world, kind: settings.kind, ...from })
    await issueApiKey(this.#operator, {
      ...this.custody.keep(key, tenant, settings), hint: 'ngome_sk_test_', createdAtMs: from.clock.nowMs(),
    }, emit({ ...from, process: 'operator' }, 'api_key.issued', tenant, { key: key.id }))
    const text = key.text.expose((value) => value)
    return { tenant, key: text, keyId: key.id, client: this.client(text) }
  }

  /** Allows an address for forwarding, as the operator's command does. */
  async allow(merchant: TestMerchant, url: string, methods: readonly string[] = ['POST']): Promise<ForwardDestinationId> {
    const { tenant } = merchant
    const id = newId('forwardDestination', from)
    const row = { id, tenant, url, methods, certificateSha256: null, authority: null, expiresAtMs: from.clock.nowMs() + 3_600_000 }
    const proof = signDestination(row, this.custody.authority.statementKeys.privateKey)
    await insertForwardDestination(this.#operator, { ...row, proof }, from.clock.nowMs(),
      emit({ ...from, process: 'operator' }, 'forward_destination.allowed', tenant, { destination: id }))
    return id
  }

  /** Adds a merchant's public key, as the operator's command does. */
  addSigningKey({ tenant }: TestMerchant, publicKey: KeyObject, uses?: readonly MerchantKeyUse[]): Promise<MerchantSigningKeyId> {
    return this.custody.addSigningKey(this.#operator, tenant, publicKey, uses)
  }

  async revokeSigningKey({ tenant }: TestMerchant, key: MerchantSigningKeyId): Promise<void> {
    await revokeSigningKey(this.#operator, tenant, key, from.clock.nowMs(), emit({ ...from, process: 'operator' }, 'merchant_key.revoked', tenant, { key }))
  }

  client(key: string): MerchantClient {
    const client = new MerchantClient({ port: this.port, ca: this.custody.authority.pem, key })
    this.#closers.push(() => client.close())
    return client
  }

  async revoke(merchant: TestMerchant): Promise<void> {
    await revokeApiKey(this.#operator, merchant.tenant, merchant.keyId, from.clock.nowMs(),
      emit({ ...from, process: 'operator' }, 'api_key.revoked', merchant.tenant, { key: merchant.keyId }))
  }

  async freeze(merchant: TestMerchant, isFrozen = true): Promise<void> {
    await freezeMerchant(this.#operator, merchant.tenant.merchant, { isFrozen, atMs: from.clock.nowMs() }, emit(
      { ...from, process: 'operator' }, isFrozen ? 'merchant.frozen' : 'merchant.unfrozen',
      { merchant: merchant.tenant.merchant, world: null }, {},
    ))
  }

  /** Adds an origin to a merchant's, or takes it back, as the operator's commands do. */
  async setOrigin(tenant: Tenant, text: string, isAdded = true): Promise<void> {
    const origin = parseOrigin(text, tenant.world)
    if (origin === undefined) throw new TypeError(`${text} is no origin`)
    const event = emit({ ...from, process: 'operator' }, isAdded ? 'merchant.origin_added' : 'merchant.origin_removed', tenant, { origin })
    await (isAdded ? addOrigin : removeOrigin)(this.#operator, tenant, origin, from.clock.nowMs(), event)
  }

  async setLimits({ tenant }: TestMerchant, limit: { readonly ratePerS: number; readonly burst: number } | null): Promise<void> {
    const { merchant, world } = tenant
    await setMerchantLimits(this.#operator, tenant, { limit, atMs: from.clock.nowMs() }, emit(
      { ...from, process: 'operator' }, 'merchant.limits_changed', { merchant, world: null }, { world, ratePerS: limit?.ratePerS ?? null, burst: limit?.burst ?? null },
    ))
  }

  async setVaultPlaintext({ tenant }: TestMerchant, policy: 'allowed' | 'refused'): Promise<void> {
    await setVaultPlaintext(this.#operator, tenant, { policy, atMs: from.clock.nowMs() },
      emit({ ...from, process: 'operator' }, 'merchant.policy_changed', { merchant: tenant.merchant, world: null }, { world: tenant.world, vault_plaintext: policy }))
  }

  async close(): Promise<void> {
    for (const close of this.#closers) close()
    this.gateway.stop()
    await this.gateway.end(1_000)
    await this.custodian.close()
    if (this.#isOnlyOne) await this.database.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Limits that no test reaches by what it is about; those of limits set their own. */
function wideLimits(limits: Config['limits']): Config['limits'] {
  const wide = { ratePerS: 1_000_000, burst: 1_000_000 }
  const tenant = { key: wide, merchant: wide, route: wide }
  return { ...limits, test: tenant, live: tenant, address: wide, failureCost: 1 }
}

type Parts = Pick<TestGateway, 'port' | 'gateway' | 'database' | 'custody' | 'custodian' | 'signerPublicKey' | 'logLines' | 'identity'> & {
  readonly operator: Database; readonly folder: string; readonly isOnlyOne: boolean; readonly closers: (() => unknown)[]
}
