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

/** A statement with its signed bytes, for whoever checks it again. */
export type PublishedStatement = {
  readonly statement: VerifiedStatement
  readonly signed: Uint8Array
  /** Its period is over, so that the custodian speaks of it no more; what a client sealed to it a moment ago is still taken. */
  readonly isEnding: boolean
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
  readonly #byTenant = new Map<string, readonly PublishedStatement[]>()
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
    const [first] = await this.published(tenant, retention)
    return first.statement
  }

  /**
   * Every statement of this class that is valid now, the newest first: where one period ends and the next has begun there
   * are two; fetched where the tenant is new.
   * @throws Fault `custodian/unavailable` where none is at hand and the custodian does not give one
   */
  async published(tenant: Tenant, retention: string): Promise<readonly [PublishedStatement, ...PublishedStatement[]]> {
    let [first, ...others] = this.#find(tenant, retention)
    if (first === undefined) {
      await this.#fetchOnce(tenant)
      ;[first, ...others] = this.#find(tenant, retention)
    }
    if (first !== undefined) return [first, ...others]
    throw new Fault('custodian/unavailable', `no merchant key is valid now for ${tenant.merchant} in ${tenant.world}`)
  }

  /** Whether a key is among those that are published for its tenant, as far as we know; unknown tenants' are. */
  isPublished(tenant: Tenant, key: MerchantKeyId): boolean {
    const known = this.#byTenant.get(tenantText(tenant))
    return known?.some(({ statement, isEnding }) => statement.keyId === key && !isEnding) ?? true
  }

  #find(tenant: Tenant, retention: string): readonly PublishedStatement[] {
    const nowMs = this.#clock.nowMs()
    const known = this.#byTenant.get(tenantText(tenant)) ?? []
    return known.filter(({ statement }) => statement.retention === retention && isInTime(statement, nowMs))
      .toSorted((a, b) => b.statement.period - a.statement.period)
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

  #verified(text: string): PublishedStatement {
    const bytes = parseBase64Url(text)
    if (bytes === undefined) throw new Fault('envelope/statement_refused', 'a statement that is not base64url')
    return { statement: verifyStatement(bytes, this.#statementKey), signed: bytes, isEnding: false }
  }

  /**
   * Replaces what is known of a tenant. A key whose period has just ended is published no more and still in time for what a
   * client sealed to it a moment ago; one that another key has replaced in its own period is gone.
   */
  #keep(statements: readonly PublishedStatement[]): void {
    const nowMs = this.#clock.nowMs()
    for (const [key, fresh] of Map.groupBy(statements, ({ statement }) => tenantText(statement.tenant))) {
      if (this.#byTenant.size >= tenantsMax && !this.#byTenant.has(key)) {
        const [oldest] = this.#byTenant.keys()
        if (oldest !== undefined) this.#byTenant.delete(oldest)
      }
      const slots = new Set(fresh.map(({ statement }) => slotText(statement)))
      const ending = (this.#byTenant.get(key) ?? [])
        .filter(({ statement }) => !slots.has(slotText(statement)) && isInTime(statement, nowMs))
        .map((one) => ({ ...one, isEnding: true }))
      this.#byTenant.set(key, [...fresh, ...ending])
    }
  }
}

function isInTime({ notBeforeMs, notAfterMs }: VerifiedStatement, nowMs: number): boolean {
  return notBeforeMs <= nowMs && nowMs < notAfterMs
}

function slotText({ retention, period }: VerifiedStatement): string {
  return `${retention}/${period}`
}

export function tenantText(tenant: Tenant): string {
  return `${tenant.merchant}/${tenant.world}`
}
