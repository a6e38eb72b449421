import { newApiKey } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { addMerchant, issueApiKey } from '@ngome/store'
import { MerchantClient, startTestCustodian, TestAuthority, type TestCustodian, type TestDatabase } from '@ngome/testkit'
import { GatewayProcess, newPlatform, removePlatform, type Platform } from './gateway-process.ts'
import { TestCustody } from './test-custody.ts'

const from = { clock: systemClock, random: systemRandom }

/** A platform of which the gateway is a process of its own; its custodian comes and goes as the test says. */
export class TestPlatform {
  readonly folders: Platform
  readonly custody: TestCustody
  readonly database: TestDatabase
  /** The one merchant, whose key is `key`. */
  readonly tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  custodian: TestCustodian | undefined
  key = ''
  readonly #processes: GatewayProcess[] = []

  private constructor(folders: Platform, custody: TestCustody, database: TestDatabase) {
    this.folders = folders
    this.custody = custody
    this.database = database
  }

  static async create(database: TestDatabase): Promise<TestPlatform> {
    const platform = new TestPlatform(await newPlatform(), new TestCustody(await TestAuthority.create()), database)
    platform.key = await platform.#addMerchant(platform.tenant)
    await platform.startCustodian()
    return platform
  }

  async startCustodian(): Promise<void> {
    const { custodian: port, enrolment: enrolmentPort } = this.folders.ports
    this.custodian = await startTestCustodian({
      dataDir: this.folders.folder, authority: this.custody.authority, answers: this.custody.answers, ports: { port, enrolmentPort },
    })
  }

  async stopCustodian(): Promise<void> {
    await this.custodian?.close()
  }

  startGateway(options: ConstructorParameters<typeof GatewayProcess>[3] = {}): GatewayProcess {
    if (this.custodian === undefined) throw new TypeError('a token comes from a custodian')
    const started = new GatewayProcess(this.folders, this.database, this.custodian.token('gateway'), options)
    this.#processes.push(started)
    return started
  }

  client(port = this.folders.ports.gateway): MerchantClient {
    return new MerchantClient({ port, ca: this.custody.authority.pem, key: this.key })
  }

  /** A certificate for another server that this platform's clients trust. */
  certificate(): Promise<{ readonly key: string; readonly cert: string }> {
    return this.custody.authority.issueWithKey('gateway')
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.stop()))
    await this.custodian?.close().catch(() => undefined)
    removePlatform(this.folders)
  }

  /** Adds a merchant besides the one. @returns its key */
  addMerchant(): Promise<string> {
    return this.#addMerchant({ merchant: newId('merchant', from), world: 'test' })
  }

  async #addMerchant(tenant: Tenant): Promise<string> {
    this.custody.addTenant(tenant)
    const operator = this.database.open('ngome_operator', { poolMax: 1 })
    const createdAtMs = from.clock.nowMs()
    await addMerchant(operator, { id: tenant.merchant, name: 'Test', createdAtMs },
      emit({ ...from, process: 'operator' }, 'merchant.created', { merchant: tenant.merchant, world: null }, {}))
    const key = newApiKey({ world: 'test', ...from })
    await issueApiKey(operator, { ...this.custody.keep(key, tenant), hint: 'test', createdAtMs },
      emit({ ...from, process: 'operator' }, 'api_key.issued', tenant, { key: key.id }))
    return key.text.expose((text) => text)
  }
}
