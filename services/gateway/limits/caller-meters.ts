import { IdleTable, rateLimitPolicyField, type Limit, type Meter } from '@ngome/access'
import { keyKinds, type KeyKind } from '@ngome/contracts'
import type { ApiKeyId, MerchantId, Tenant, World } from '@ngome/kernel'
import { operationNames, type OperationName } from '../api/operations.ts'

/** Keys in use at one time, some 500 bytes each with their meters; a key that nobody used lately takes no place. */
const keysMax = 100_000
const tenantsMax = 50_000

export type LimitNames = 'key' | 'merchant' | 'route'
const names: readonly LimitNames[] = ['key', 'merchant', 'route']
/** The limits of one tenant: its own, or the configuration's. */
export type TenantLimits = Readonly<Record<LimitNames, Limit>>
/** Whose call it is. */
export type MeteredKey = { readonly apiKey: ApiKeyId; readonly tenant: Tenant; readonly kind: KeyKind }
/** Makes the meter of a bucket; where its tokens are is the maker's business. */
export type NewMeter = (bucket: string, limit: Limit) => Meter

/** What a tenant's keys of one kind have in common. */
export class TenantMeters {
  limits: TenantLimits
  /** Its limits may have changed. */
  isStale: boolean
  isGone = false
  /** How often its limits may have changed: who reads them notices what happened meanwhile. */
  version = 0
  readonly merchant: Meter
  /** `RateLimit-Policy` of its answers, which changes only with its limits. */
  policyField: string
  readonly #name: string
  readonly #newMeter: NewMeter
  readonly #routes: (Meter | undefined)[] = []

  constructor(name: string, limits: TenantLimits, from: { readonly newMeter: NewMeter; readonly isStale: boolean }) {
    this.#name = name
    this.#newMeter = from.newMeter
    this.limits = limits
    this.policyField = policyFieldOf(limits)
    this.isStale = from.isStale
    this.merchant = from.newMeter(`m:${name}`, limits.merchant)
  }

  route(operation: OperationName): Meter {
    const at = indexOf(operation)
    return this.#routes[at] ??= this.#newMeter(`r:${this.#name}:${operation}`, this.limits.route)
  }

  isIdle(nowUs: number): boolean {
    return this.merchant.fullInUs(nowUs) === 0 && this.#routes.every((route) => route === undefined || route.fullInUs(nowUs) === 0)
  }

  change(limits: TenantLimits): void {
    this.limits = limits
    this.policyField = policyFieldOf(limits)
    this.merchant.change(limits.merchant)
    for (const route of this.#routes) route?.change(limits.route)
  }
}

/** What a call of one key pays from: one look-up finds all of it. */
export type KeyMeters = { readonly tenant: TenantMeters; readonly key: Meter }

// Of each set of limits, which many tenants have in common.
const policyFields = new WeakMap<TenantLimits, string>()

function policyFieldOf(limits: TenantLimits): string {
  const known = policyFields.get(limits)
  if (known !== undefined) return known
  const made = rateLimitPolicyField(names.map((name) => [name, limits[name]]))
  policyFields.set(limits, made)
  return made
}

const indexes = new Map(operationNames.map((name, at) => [name, at]))

function indexOf(operation: OperationName): number {
  return indexes.get(operation) ?? 0
}

/** The meters of every key that is used, in bounded memory. */
export class CallerMeters {
  readonly #newMeter: NewMeter
  readonly #nowUs: () => number
  readonly #keys: IdleTable<ApiKeyId, KeyMeters>
  readonly #tenants: IdleTable<string, TenantMeters>
  /** Of those who find no place: shared, so that nobody is served without limit. */
  readonly #rest = new Map<string, KeyMeters>()
  #generation = 0

  constructor(from: { readonly newMeter: NewMeter; readonly nowUs: () => number; readonly bounds?: { readonly keys: number; readonly tenants: number } }) {
    this.#newMeter = from.newMeter
    this.#nowUs = from.nowUs
    const bounds = from.bounds ?? { keys: keysMax, tenants: tenantsMax }
    this.#keys = new IdleTable({ max: bounds.keys, isIdle: ({ key }, nowUs) => key.fullInUs(nowUs) === 0 })
    this.#tenants = new IdleTable({
      max: bounds.tenants, isIdle: (tenant, nowUs) => tenant.isIdle(nowUs), onGone: (tenant) => { tenant.isGone = true },
    })
  }

  get size(): number {
    return this.#keys.size + this.#tenants.size
  }

  /** How often limits of anybody may have changed. */
  get generation(): number {
    return this.#generation
  }

  get(id: ApiKeyId): KeyMeters | undefined {
    const known = this.#keys.get(id)
    return known === undefined || known.tenant.isGone ? undefined : known
  }

  /** @param generation when the limits began to be read */
  add({ apiKey: id, tenant, kind }: MeteredKey, limits: TenantLimits, generation: number): KeyMeters {
    const nowUs = this.#nowUs()
    const isStale = generation !== this.#generation
    const name = nameOf(tenant, kind)
    const known = this.#tenants.get(name)
    const shared = known ?? new TenantMeters(name, limits, { newMeter: this.#newMeter, isStale })
    if (known === undefined && !this.#tenants.add(name, shared, nowUs)) return this.#restOf(tenant, kind, limits)
    // A key that outlived its tenant's idleness keeps what it spent.
    const former = this.#keys.get(id)
    const entry = { tenant: shared, key: former?.key ?? this.#newMeter(`k:${id}`, limits.key) }
    if (former !== undefined) {
      this.#keys.replace(id, entry)
      return entry
    }
    return this.#keys.add(id, entry, nowUs) ? entry : this.#restOf(tenant, kind, limits)
  }

  /** Limits of a merchant may have changed: they are read anew before its next call is decided. */
  markStale(merchant: MerchantId): void {
    this.#generation++
    for (const world of ['test', 'live'] as const) {
      for (const kind of keyKinds) {
        const tenant = this.#tenants.get(nameOf({ merchant, world }, kind))
        if (tenant === undefined) continue
        tenant.isStale = true
        tenant.version++
      }
    }
  }

  #restOf({ world }: Tenant, kind: KeyKind, limits: TenantLimits): KeyMeters {
    const name = nameOf({ merchant: '*', world }, kind)
    const known = this.#rest.get(name)
    if (known !== undefined) return known
    const tenant = new TenantMeters(name, limits, { newMeter: this.#newMeter, isStale: false })
    const made = { tenant, key: this.#newMeter(`k:${name}`, limits.key) }
    this.#rest.set(name, made)
    return made
  }
}

/**
 * Whose meters these are. Everybody who opens a page has its publishable key: these have limits of their own, so that who
 * spends them takes nothing from the merchant's servers.
 */
function nameOf({ merchant, world }: { readonly merchant: string; readonly world: World }, kind: KeyKind): string {
  return kind === 'secret' ? `${merchant}/${world}` : `${merchant}/${world}/pages`
}
