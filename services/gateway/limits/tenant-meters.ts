import type { BucketBlock, Limit, Meter, Pace } from '@ngome/access'
import { operationNames, operations } from '../api/operations.ts'

export type LimitNames = 'key' | 'merchant' | 'route'
/** In the order in which they are asked. */
export const limitNames = ['key', 'merchant', 'route'] as const satisfies readonly LimitNames[]
/** The limits of one tenant: its own, or the configuration's. */
export type TenantLimits = Readonly<Record<LimitNames, Limit>>
/** A set of limits with what follows from it: one for all tenants that have the same, close by when it is needed. */
export type LimitTerms = {
  readonly limits: TenantLimits
  /** `RateLimit-Policy` of the answers. */
  readonly policyField: string
  readonly paces: Readonly<Record<LimitNames, Pace>>
  /** Where buckets are, where they are of this process alone and in no store. */
  readonly block: BucketBlock | undefined
}

/** Routes that a limit counts: of the operations that take a key. */
export const limitedOperations = operationNames.filter((name) => operations[name].credentials === 'api-key')

/** Makes the meter of a bucket: of its place in this process's block, or of its name in the store that gateways share. */
export type NewMeter = (bucket: string, limit: Limit, place: { readonly block: BucketBlock; readonly at: number } | undefined) => Meter

/** What a tenant's keys of one kind have in common. */
export class TenantMeters {
  terms: LimitTerms
  /** Its limits may have changed. */
  isStale: boolean
  isGone = false
  /** How often its limits may have changed: who reads them notices what happened meanwhile. */
  version = 0
  /** Where its buckets begin, where there is a block: its own, and one for each route. */
  readonly at: number
  readonly #name: string
  readonly #newMeter: NewMeter
  // Made when they are asked for: where there is a block, few ever are.
  #merchant: Meter | undefined
  readonly #routes: (Meter | undefined)[] = []

  constructor(name: string, terms: LimitTerms, from: { readonly newMeter: NewMeter; readonly isStale: boolean; readonly at: number }) {
    this.terms = terms
    this.isStale = from.isStale
    this.at = from.at
    this.#name = name
    this.#newMeter = from.newMeter
  }

  get merchant(): Meter {
    return this.#merchant ??= this.#newMeter(`m:${this.#name}`, this.terms.limits.merchant, this.#place(this.at))
  }

  /** Of one of its keys, by its place. */
  keyMeter(at: number): Meter {
    return this.#newMeter('', this.terms.limits.key, this.#place(at))
  }

  /** @param route its index in `limitedOperations` */
  route(route: number): Meter {
    return this.#routes[route] ??= this.#newMeter(`r:${this.#name}:${limitedOperations[route]}`, this.terms.limits.route, this.#place(this.#at(route)))
  }

  isIdle(nowUs: number): boolean {
    return this.merchant.fullInUs(nowUs) === 0 && this.#usedRoutes().every((route) => this.route(route).fullInUs(nowUs) === 0)
  }

  change(terms: LimitTerms): void {
    this.terms = terms
    this.merchant.change(terms.limits.merchant)
    for (const route of this.#usedRoutes()) this.route(route).change(terms.limits.route)
  }

  /** Of the others nothing was ever spent. */
  #usedRoutes(): readonly number[] {
    const { block } = this.terms
    const isUsed = (route: number) => block === undefined ? this.#routes[route] !== undefined : !block.isUntouched(this.#at(route))
    return [...limitedOperations.keys()].filter(isUsed)
  }

  #at(route: number): number {
    return this.at + 1 + route
  }

  #place(at: number): { readonly block: BucketBlock; readonly at: number } | undefined {
    const { block } = this.terms
    return block === undefined ? undefined : { block, at }
  }
}
