import { BucketBlock, IdleTable, Places, rateLimitPolicyField, type Limit, type Pace } from '@ngome/access'
import { keyKinds, type KeyKind } from '@ngome/contracts'
import type { ApiKeyId, MerchantId, Tenant, World } from '@ngome/kernel'
import { KeyMeters } from './key-meters.ts'
import { limitedOperations, limitNames, TenantMeters, type LimitTerms, type NewMeter, type TenantLimits } from './tenant-meters.ts'

/** Keys in use at one time, some 200 bytes each with their buckets; a key that nobody used lately takes no place. */
const keysMax = 100_000
const tenantsMax = 50_000
/** Of a tenant: its own, and one for each route. */
const bucketsOfTenant = 1 + limitedOperations.length

const worlds = ['test', 'live'] as const
/** Who find no place share by world and kind. */
const restsMax = worlds.length * keyKinds.length
/** Of what has its tokens in a store. */
const nowhere = -1
/** Comes before all others. */
const noEpoch = 0

/** Whose call it is. */
export type MeteredKey = { readonly apiKey: ApiKeyId; readonly tenant: Tenant; readonly kind: KeyKind }
/** Who may keep what was found for his key, for as long as it is there. */
export type MeteredCaller = MeteredKey & { meters: KeyMeters | undefined }

/** The meters of every key that is used, in bounded memory. */
export class CallerMeters {
  readonly #newMeter: NewMeter
  readonly #paceOf: (limit: Limit) => Pace
  readonly #nowUs: () => number
  readonly #keys: IdleTable<ApiKeyId, KeyMeters>
  readonly #tenants: IdleTable<string, TenantMeters>
  readonly #places: { readonly block: BucketBlock; readonly keys: Places; readonly tenants: Places } | undefined
  // Of each set of limits, which many tenants have in common.
  readonly #terms = new WeakMap<TenantLimits, LimitTerms>()
  /** Of those who find no place: shared, so that nobody is served without limit. */
  readonly #rest = new Map<string, KeyMeters>()
  #generation = 0
  /** Moves on with whatever makes a tenant another one: what is current is so until then. */
  #epoch = noEpoch + 1

  constructor(from: {
    readonly newMeter: NewMeter
    readonly paceOf: (limit: Limit) => Pace
    /** Whether buckets are in this process, side by side, and in no store. */
    readonly hasOwnBuckets: boolean
    readonly nowUs: () => number
    readonly bounds?: { readonly keys: number; readonly tenants: number }
  }) {
    this.#newMeter = from.newMeter
    this.#paceOf = from.paceOf
    this.#nowUs = from.nowUs
    const bounds = from.bounds ?? { keys: keysMax, tenants: tenantsMax }
    this.#places = from.hasOwnBuckets ? placesFor(bounds) : undefined
    this.#keys = new IdleTable({
      max: bounds.keys, isIdle: (entry, nowUs) => entry.isIdle(nowUs),
      onGone: (entry) => {
        entry.leave()
        this.#places?.keys.release(entry.at)
      },
    })
    this.#tenants = new IdleTable({
      max: bounds.tenants, isIdle: (tenant, nowUs) => tenant.isIdle(nowUs),
      onGone: (tenant) => {
        tenant.isGone = true
        this.#epoch++
        this.#places?.tenants.release(tenant.at)
      },
    })
  }

  get size(): number {
    return this.#keys.size + this.#tenants.size
  }

  /** How often limits of anybody may have changed. */
  get generation(): number {
    return this.#generation
  }

  /** What a caller may pay from at once: what it keeps, or what is found for its key, and kept from now on. */
  ready(caller: MeteredCaller): KeyMeters | undefined {
    const kept = caller.meters
    if (kept?.isOf(this.#epoch) === true) return kept
    const found = this.get(caller.apiKey)
    if (found === undefined || found.tenant.isStale) return undefined
    found.makeCurrent(this.#epoch)
    caller.meters = found
    return found
  }

  /** What there is of a key, though its limits may be others meanwhile. */
  get(id: ApiKeyId): KeyMeters | undefined {
    const found = this.#keys.get(id)
    return found?.isThere === true ? found : undefined
  }

  /** @param generation when the limits began to be read */
  add({ apiKey: id, tenant, kind }: MeteredKey, limits: TenantLimits, generation: number): KeyMeters {
    const nowUs = this.#nowUs()
    const isStale = generation !== this.#generation
    const name = nameOf(tenant, kind)
    const shared = this.#tenants.get(name) ?? this.#addTenant(name, limits, { isStale, nowUs })
    if (shared === undefined) return this.#restOf(tenant, kind, limits)
    // A key that outlived its tenant's idleness keeps what it spent.
    const former = this.#keys.get(id)
    if (former !== undefined) {
      const moved = former.movedTo(shared)
      this.#keys.replace(id, moved)
      return moved
    }
    return this.#addKey(id, shared, nowUs) ?? this.#restOf(tenant, kind, limits)
  }

  /** Takes on the limits that an entry's tenant has now. */
  change(entry: KeyMeters, limits: TenantLimits): void {
    this.#epoch++
    entry.tenant.change(this.#termsOf(limits))
    // Whether they are still those is the next call's question.
    entry.makeCurrent(noEpoch)
  }

  /** Limits of a merchant may have changed: they are read anew before its next call is decided. */
  markStale(merchant: MerchantId): void {
    this.#generation++
    this.#epoch++
    for (const world of worlds) {
      for (const kind of keyKinds) {
        const tenant = this.#tenants.get(nameOf({ merchant, world }, kind))
        if (tenant === undefined) continue
        tenant.isStale = true
        tenant.version++
      }
    }
  }

  #addTenant(name: string, limits: TenantLimits, { isStale, nowUs }: { readonly isStale: boolean; readonly nowUs: number }): TenantMeters | undefined {
    const made = this.#newTenant(name, limits, isStale)
    if (this.#tenants.add(name, made, nowUs)) return made
    this.#places?.tenants.release(made.at)
    return undefined
  }

  #addKey(id: ApiKeyId, tenant: TenantMeters, nowUs: number): KeyMeters | undefined {
    const made = this.#newKey(id, tenant)
    if (this.#keys.add(id, made, nowUs)) return made
    this.#places?.keys.release(made.at)
    return undefined
  }

  #restOf({ world }: Tenant, kind: KeyKind, limits: TenantLimits): KeyMeters {
    const name = nameOf({ merchant: '*', world }, kind)
    const known = this.#rest.get(name)
    if (known !== undefined) return known
    const made = this.#newKey(name, this.#newTenant(name, limits, false))
    this.#rest.set(name, made)
    return made
  }

  #newTenant(name: string, limits: TenantLimits, isStale: boolean): TenantMeters {
    return new TenantMeters(name, this.#termsOf(limits), { newMeter: this.#newMeter, isStale, at: this.#places?.tenants.take() ?? nowhere })
  }

  #newKey(name: string, tenant: TenantMeters): KeyMeters {
    if (this.#places !== undefined) return new KeyMeters(tenant, { at: this.#places.keys.take(), leased: undefined })
    return new KeyMeters(tenant, { at: nowhere, leased: this.#newMeter(`k:${name}`, tenant.terms.limits.key, undefined) })
  }

  #termsOf(limits: TenantLimits): LimitTerms {
    const known = this.#terms.get(limits)
    if (known !== undefined) return known
    const made: LimitTerms = {
      limits,
      policyField: rateLimitPolicyField(limitNames.map((name) => [name, limits[name]])),
      paces: { key: this.#paceOf(limits.key), merchant: this.#paceOf(limits.merchant), route: this.#paceOf(limits.route) },
      block: this.#places?.block,
    }
    this.#terms.set(limits, made)
    return made
  }
}

/** As many as there is room for; one more, since who finds none gives his back; and those of the rest. */
function placesFor({ keys, tenants }: { readonly keys: number; readonly tenants: number }) {
  const keyPlaces = keys + 1 + restsMax
  const tenantPlaces = tenants + 1 + restsMax
  const block = new BucketBlock(keyPlaces + tenantPlaces * bucketsOfTenant)
  return {
    block,
    keys: new Places(block, { begin: 0, max: keyPlaces, each: 1 }),
    tenants: new Places(block, { begin: keyPlaces, max: tenantPlaces, each: bucketsOfTenant }),
  }
}

/**
 * Whose meters these are. Everybody who opens a page has its publishable key: these have limits of their own, so that who
 * spends them takes nothing from the merchant's servers.
 */
function nameOf({ merchant, world }: { readonly merchant: string; readonly world: World }, kind: KeyKind): string {
  return kind === 'secret' ? `${merchant}/${world}` : `${merchant}/${world}/pages`
}
