import { rateLimitField, type Limit, type Meter } from '@ngome/access'
import { limitNames, type LimitNames, type LimitTerms, type TenantMeters } from './tenant-meters.ts'

const usPerSecond = 1_000_000
/** Of an entry that was forgotten: no epoch. */
const gone = -1

/**
 * What a call of one key pays from: its key's bucket, its merchant's and its route's, all or none. Whoever keeps one asks
 * whether it is current before each use: what was forgotten has given its buckets to others.
 */
export class KeyMeters {
  // As little as can be: there are many of these, and few of them in the processor's caches.
  #epoch = 0
  /** Where its bucket is, where there is a block. */
  readonly at: number
  readonly #tenantAt: number
  #terms: LimitTerms
  readonly tenant: TenantMeters
  readonly #leased: Meter | undefined

  /** @param leased its meter, where gateways share a store */
  constructor(tenant: TenantMeters, { at, leased }: { readonly at: number; readonly leased: Meter | undefined }) {
    this.at = at
    this.#tenantAt = tenant.at
    this.#terms = tenant.terms
    this.tenant = tenant
    this.#leased = leased
    this.#cut()
  }

  get isThere(): boolean {
    return this.#epoch !== gone && !this.tenant.isGone
  }

  /** Whether it was made current in this epoch: then nothing about its tenant needs to be asked. */
  isOf(epoch: number): boolean {
    return this.#epoch === epoch
  }

  /** Takes on what its tenant's limits are now. @param epoch in which they are these */
  makeCurrent(epoch: number): void {
    this.#epoch = epoch
    if (this.#terms === this.tenant.terms) return
    // Another key of this tenant was the first to hear of new limits.
    this.#terms = this.tenant.terms
    this.#cut()
  }

  /** What is no longer its own. */
  leave(): void {
    this.#epoch = gone
  }

  /** One for whom its bucket goes on: what was spent stays spent. */
  movedTo(tenant: TenantMeters): KeyMeters {
    this.leave()
    return new KeyMeters(tenant, { at: this.at, leased: this.#leased })
  }

  get policyField(): string {
    return this.#terms.policyField
  }

  limit(name: LimitNames): Limit {
    return this.#terms.limits[name]
  }

  /** @returns which limit refuses, with nothing spent */
  spend(route: number, cost: number, nowUs: number): LimitNames | undefined {
    const { block, paces } = this.#terms
    if (block === undefined) return this.#spendLeased(route, cost, nowUs)
    return block.spendThree(this.at, this.#tenantAt, this.#tenantAt + 1 + route, paces, cost, nowUs)
  }

  /** Whether nothing is missing in its key's bucket. */
  isIdle(nowUs: number): boolean {
    const { block, paces } = this.#terms
    return (block === undefined ? this.meter('key', 0).fullInUs(nowUs) : block.fullInUs(this.at, paces.key, nowUs)) === 0
  }

  /** Each of the three, as something of its own: where there is time. */
  meter(name: LimitNames, route: number): Meter {
    if (name === 'merchant') return this.tenant.merchant
    return name === 'route' ? this.tenant.route(route) : this.#leased ?? this.tenant.keyMeter(this.at)
  }

  /** The value of `RateLimit`: how the limit stands that is nearest to its end. */
  tightestField(route: number, nowUs: number): string {
    const ofKey = this.#remaining('key', route, nowUs)
    const ofMerchant = this.#remaining('merchant', route, nowUs)
    const ofRoute = this.#remaining('route', route, nowUs)
    if (ofKey <= ofMerchant && ofKey <= ofRoute) return this.stateField('key', route, nowUs)
    return this.stateField(ofMerchant <= ofRoute ? 'merchant' : 'route', route, nowUs)
  }

  stateField(name: LimitNames, route: number, nowUs: number): string {
    return rateLimitField({ name, remaining: this.#remaining(name, route, nowUs), moreInS: Math.ceil(this.#moreInUs(name, route, nowUs) / usPerSecond) })
  }

  #cut(): void {
    const { block, paces, limits } = this.#terms
    block?.cut(this.at, paces.key)
    if (this.#leased !== undefined && this.#leased.limit !== limits.key) this.#leased.change(limits.key)
  }

  #spendLeased(route: number, cost: number, nowUs: number): LimitNames | undefined {
    for (const name of limitNames) if (!this.meter(name, route).canSpend(cost, nowUs)) return name
    for (const name of limitNames) this.meter(name, route).spend(cost, nowUs)
    return undefined
  }

  #remaining(name: LimitNames, route: number, nowUs: number): number {
    const { block, paces } = this.#terms
    if (block === undefined) return this.meter(name, route).remaining(nowUs)
    return block.remaining(this.#placeOf(name, route), paces[name], nowUs)
  }

  #moreInUs(name: LimitNames, route: number, nowUs: number): number {
    const { block, paces } = this.#terms
    if (block === undefined) return this.meter(name, route).moreInUs(nowUs)
    return block.moreInUs(this.#placeOf(name, route), paces[name], nowUs)
  }

  #placeOf(name: LimitNames, route: number): number {
    if (name === 'key') return this.at
    return name === 'merchant' ? this.#tenantAt : this.#tenantAt + 1 + route
  }
}
