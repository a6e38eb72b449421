import {
  payFromLeases, rateLimitField, rateLimitPolicyField, spendAll, takeInto, type LeasedMeter, type Meter, type TokenBucket, type TokenStore,
} from '@ngome/access'
import type { LimitsView } from '@ngome/contracts'
import type { ApiKeyId, MerchantId } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import { operationNames, operations, type OperationName } from '../api/operations.ts'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import type { CallerMeters, KeyMeters, LimitNames, TenantLimits } from './caller-meters.ts'
import { limitsOf, type FindOwnLimits } from './merchant-limits.ts'
import { addAnswerHeaders, refusal } from './refuse.ts'

const usPerSecond = 1_000_000
const names: readonly LimitNames[] = ['key', 'merchant', 'route']

export type CallerLimitsPorts = {
  readonly config: Config['limits']
  readonly meters: CallerMeters
  readonly find: FindOwnLimits
  readonly nowUs: () => number
  /** The bucket of a request's address, which pays the rest of its cost together with the others. */
  readonly addressOf: (request: GatewayRequest) => TokenBucket
  /** By how much a call of a caller under a restriction costs more. */
  readonly costFactor: (caller: AuthenticatedCaller) => number
  /** What gateways share; `undefined` where each has its own. */
  readonly store: TokenStore | undefined
  readonly onRefused: (caller: AuthenticatedCaller, limit: LimitNames | 'address') => void
}

/** Decides whether a caller that is proven may ask for one thing more now: key, merchant, route and address, all or none. */
export class CallerLimits {
  readonly #ports: CallerLimitsPorts
  // Of each set of limits, which many tenants have in common.
  readonly #policyFields = new WeakMap<TenantLimits, string>()

  // Bounded by the requests that are open.
  readonly #entering = new Map<ApiKeyId, Promise<KeyMeters>>()

  constructor(ports: CallerLimitsPorts) {
    this.#ports = ports
  }

  /** @throws Fault `access/limit_exceeded`, or `store/unavailable` where the limits of a new caller cannot be read */
  authorize(caller: AuthenticatedCaller, request: GatewayRequest, operation: OperationName): void | Promise<void> {
    const entry = this.#ports.meters.get(caller.apiKey)
    if (entry !== undefined && !entry.tenant.isStale) return this.#pay(entry, caller, request, operation)
    return this.#enterOnce(caller, entry).then((entered) => this.#pay(entered, caller, request, operation))
  }

  /** Told of each change of access; limits are read anew where they may be others. */
  forget(changes: readonly { readonly apiKey: unknown; readonly merchant: MerchantId }[]): void {
    for (const { apiKey, merchant } of changes) if (apiKey === null) this.#ports.meters.markStale(merchant)
  }

  /** How things stand for a caller that has just paid. */
  view(caller: AuthenticatedCaller): LimitsView {
    const entry = this.#ports.meters.get(caller.apiKey)
    const nowUs = this.#ports.nowUs()
    const quota = (meter: Meter) => ({
      rate_per_second: meter.limit.ratePerS, burst: meter.limit.burst,
      remaining: meter.remaining(nowUs), reset_seconds: Math.ceil(meter.fullInUs(nowUs) / usPerSecond),
    })
    if (entry === undefined) throw new TypeError('a caller without meters has not paid')
    const limited = operationNames.filter((name) => operations[name].credentials === 'api-key')
    return {
      object: 'limits', world: caller.tenant.world, key: quota(entry.key), merchant: quota(entry.tenant.merchant),
      routes: limited.map((operation) => ({ operation, cost: operations[operation].cost, ...quota(entry.tenant.route(operation)) })),
    }
  }

  /** Calls that come together read the limits once. */
  #enterOnce(caller: AuthenticatedCaller, entry: KeyMeters | undefined): Promise<KeyMeters> {
    const known = this.#entering.get(caller.apiKey)
    if (known !== undefined) return known
    const entering = this.#enter(caller, entry).finally(() => this.#entering.delete(caller.apiKey))
    this.#entering.set(caller.apiKey, entering)
    return entering
  }

  async #enter(caller: AuthenticatedCaller, entry: KeyMeters | undefined): Promise<KeyMeters> {
    const { meters, find, config } = this.#ports
    const { generation } = meters
    const version = entry?.tenant.version
    const limits = await limitsOf(caller.tenant, find, config)
    const known = meters.get(caller.apiKey)
    if (known === undefined) return meters.add(caller.apiKey, caller.tenant, limits, generation)
    known.tenant.change(limits)
    // Where they changed again while they were read, the next call reads them again.
    if (known.tenant.version === version) known.tenant.isStale = false
    return known
  }

  #pay(entry: KeyMeters, caller: AuthenticatedCaller, request: GatewayRequest, operation: OperationName): void | Promise<void> {
    const { store, addressOf, nowUs: now } = this.#ports
    const cost = operations[operation].cost * (caller.restriction === undefined ? 1 : this.#ports.costFactor(caller))
    const meters = entry.of(operation)
    const address = addressOf(request)
    const nowUs = now()
    // Another key of this tenant was the first to hear of new limits.
    if (entry.key.limit !== entry.tenant.limits.key) entry.key.change(entry.tenant.limits.key)
    if (cost > 1 && !address.canSpend(cost - 1, nowUs)) throw this.#refuseAddress(caller, request, address, cost, nowUs)
    const short = spendAll(meters, cost, nowUs)
    if (short === undefined) {
      this.#paid(entry, meters, request, address, cost, nowUs)
      if (store !== undefined) this.#takeAhead(meters as readonly LeasedMeter[], store, nowUs)
      return undefined
    }
    const leased = meters as readonly LeasedMeter[]
    if (store === undefined || store.awaySinceUs !== null || leased.some((meter) => meter.isRefused(cost, nowUs))) {
      throw this.#refuse(entry, meters, short, caller, request, cost, nowUs)
    }
    return payFromLeases(leased, cost, { store, nowUs: now }).then((refusing) => {
      if (refusing !== undefined) throw this.#refuse(entry, meters, refusing, caller, request, cost, now())
      this.#paid(entry, meters, request, address, cost, now())
    })
  }

  #paid(entry: KeyMeters, meters: readonly Meter[], request: GatewayRequest, address: TokenBucket, cost: number, nowUs: number): void {
    if (cost > 1) address.spend(cost - 1)
    let tightest = 0
    let remaining = Number.POSITIVE_INFINITY
    for (let at = 0; at < meters.length; at++) {
      const left = meters[at]?.remaining(nowUs) ?? 0
      if (left >= remaining) continue
      remaining = left
      tightest = at
    }
    const resetS = Math.ceil((meters[tightest]?.fullInUs(nowUs) ?? 0) / usPerSecond)
    addAnswerHeaders(request, 'ratelimit-policy', this.#policyField(entry.tenant),
      'ratelimit', rateLimitField({ name: names[tightest] ?? 'key', remaining, resetS }))
  }

  /** Behind the request: the next one finds what it needs. */
  #takeAhead(meters: readonly LeasedMeter[], store: TokenStore, nowUs: number): void {
    const low = meters.filter((meter) => meter.isLow(nowUs))
    if (low.length > 0) void takeInto(low, 0, { store, nowUs: this.#ports.nowUs })
  }

  #refuse(
    entry: KeyMeters, meters: readonly Meter[], short: Meter, caller: AuthenticatedCaller, request: GatewayRequest, cost: number, nowUs: number,
  ): Error {
    const name = names[meters.indexOf(short)] ?? 'key'
    this.#ports.onRefused(caller, name)
    const waitUs = Math.max(...meters.map((meter) => meter.canSpend(cost, nowUs) ? 0 : meter.waitUs(cost, nowUs)))
    return refusal(request, { name, limit: short.limit, cost, remaining: short.remaining(nowUs), waitUs, policyField: this.#policyField(entry.tenant) })
  }

  #refuseAddress(caller: AuthenticatedCaller, request: GatewayRequest, address: TokenBucket, cost: number, nowUs: number): Error {
    this.#ports.onRefused(caller, 'address')
    const { address: limit } = this.#ports.config
    return refusal(request, { name: 'address', limit, cost, remaining: 0, waitUs: address.waitUs(cost, nowUs), policyField: undefined })
  }

  #policyField({ limits }: { readonly limits: TenantLimits }): string {
    const known = this.#policyFields.get(limits)
    if (known !== undefined) return known
    const made = rateLimitPolicyField(names.map((name) => [name, limits[name]]))
    this.#policyFields.set(limits, made)
    return made
  }
}
