import type { KeyObject } from 'node:crypto'
import { verifyStatement, type VerifiedStatement } from '@ngome/envelope'
import { Fault, parseBase64Url, type Clock, type MerchantId, type MerchantKeyId, type Tenant } from '@ngome/kernel'

/** Where statements come from: the custodian. */
export type StatementSource = {
  /** Every tenant after this merchant, a page of them; none where that was the last. */
  tenants(after: MerchantId | null): Promise<readonly Tenant[]>
  /** Statements of these tenants, base64url, for the current period and those published ahead. */
  statements(tenants: readonly Tenant[]): Promise<readonly string[]>
}

/** Nine statements of 2 KiB for each tenant: an answer stays well below the 4 MiB that a client takes. */
const tenantsPerCallMax = 128
/** Tenants in memory; each has a few statements of 1.3 KiB. */
const tenantsMax = 16_384

/**
 * The merchant keys that data keys are sealed to. Statements are published two periods ahead and are all fetched at the
 * start, so that a running gateway crosses a period while the custodian is away.
 */
export class MerchantStatements {
  readonly #source: StatementSource
  readonly #statementKey: KeyObject
  readonly #clock: Clock
  readonly #byTenant = new Map<string, readonly VerifiedStatement[]>()
  readonly #fetching = new Map<string, Promise<void>>()

  constructor(from: { readonly source: StatementSource; readonly statementKey: KeyObject; readonly clock: Clock }) {
    this.#source = from.source
    this.#statementKey = from.statementKey
    this.#clock = from.clock
  }

  /** Fetches what is published for every tenant that the custodian knows. */
  async fetchAll(): Promise<void> {
    let after: MerchantId | null = null
    for (;;) {
      const tenants = await this.#source.tenants(after)
      const last = tenants.at(-1)
      if (last === undefined) return
      await this.fetch(tenants)
      after = last.merchant
    }
  }

  /**
   * The statement of the key that is valid now; fetched where the tenant is new.
   * @throws Fault `custodian/unavailable` where none is at hand and the custodian does not give one
   */
  async current(tenant: Tenant, retention: string): Promise<VerifiedStatement> {
    const known = this.#find(tenant, retention)
    if (known !== undefined) return known
    await this.#fetchOnce(tenant)
    const fetched = this.#find(tenant, retention)
    if (fetched !== undefined) return fetched
    throw new Fault('custodian/unavailable', `no merchant key is valid now for ${tenant.merchant} in ${tenant.world}`)
  }

  /** Whether a key is among those that are published for its tenant, as far as we know; unknown tenants' are. */
  isPublished(tenant: Tenant, key: MerchantKeyId): boolean {
    return this.#byTenant.get(tenantText(tenant))?.some((one) => one.keyId === key) ?? true
  }

  #find(tenant: Tenant, retention: string): VerifiedStatement | undefined {
    const nowMs = this.#clock.nowMs()
    return this.#byTenant.get(tenantText(tenant))
      ?.find((one) => one.retention === retention && one.notBeforeMs <= nowMs && nowMs < one.notAfterMs)
  }

  /** One request to the custodian for each tenant, however many payments wait for it. */
  #fetchOnce(tenant: Tenant): Promise<void> {
    const key = tenantText(tenant)
    const running = this.#fetching.get(key)
    if (running !== undefined) return running
    const fetching = this.fetch([tenant]).finally(() => this.#fetching.delete(key))
    this.#fetching.set(key, fetching)
    return fetching
  }

  /** Fetches what is published for these tenants; it takes the place of what was known of them. */
  async fetch(tenants: readonly Tenant[]): Promise<void> {
    for (let at = 0; at < tenants.length; at += tenantsPerCallMax) {
      const texts = await this.#source.statements(tenants.slice(at, at + tenantsPerCallMax))
      this.#keep(texts.map((text) => this.#verified(text)))
    }
  }

  #verified(text: string): VerifiedStatement {
    const bytes = parseBase64Url(text)
    if (bytes === undefined) throw new Fault('envelope/statement_refused', 'a statement that is not base64url')
    return verifyStatement(bytes, this.#statementKey)
  }

  #keep(statements: readonly VerifiedStatement[]): void {
    for (const [key, fresh] of Map.groupBy(statements, (one) => tenantText(one.tenant))) {
      if (this.#byTenant.size >= tenantsMax && !this.#byTenant.has(key)) {
        const [oldest] = this.#byTenant.keys()
        if (oldest !== undefined) this.#byTenant.delete(oldest)
      }
      this.#byTenant.set(key, fresh)
    }
  }
}

export function tenantText(tenant: Tenant): string {
  return `${tenant.merchant}/${tenant.world}`
}
