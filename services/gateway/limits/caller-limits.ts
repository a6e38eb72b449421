import { payFromLeases, takeInto, type LeasedMeter, type Meter, type TokenStore } from '@ngome/access'
import type { LimitsView } from '@ngome/contracts'
import type { ApiKeyId, MerchantId } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import { operations, type OperationName } from '../api/operations.ts'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import type { CallerMeters } from './caller-meters.ts'
import type { KeyMeters } from './key-meters.ts'
import { limitsOf, type FindOwnLimits } from './merchant-limits.ts'
import { addAnswerHeaders, refusal } from './refuse.ts'
import { limitedOperations, limitNames, type LimitNames } from './tenant-meters.ts'

const usPerSecond = 1_000_000
/** What a call costs, and which of its tenant's buckets is its route's. */
const routes = new Map(limitedOperations.map((name, route) => [name, { route, cost: operations[name].cost }]))

export type CallerLimitsPorts = {
  readonly config: Config['limits']
  readonly meters: CallerMeters
  readonly find: FindOwnLimits
  readonly nowUs: () => number
  /** The bucket of a request's address, which pays the rest of its cost together with the others. */
  readonly addressOf: (request: GatewayRequest) => Meter
  /** By how much a call of a caller under a restriction costs more. */
  readonly costFactor: (caller: AuthenticatedCaller) => number
  /** What gateways share; `undefined` where each has its own. */
  readonly store: TokenStore | undefined
  readonly onRefused: (caller: AuthenticatedCaller, limit: LimitNames | 'address') => void
}

/** Decides whether a caller that is proven may ask for one thing more now: key, merchant, route and address, all or none. */
export class CallerLimits {
  readonly #ports: CallerLimitsPorts
  // Bounded by the requests that are open.
  readonly #entering = new Map<ApiKeyId, Promise<KeyMeters>>()

  constructor(ports: CallerLimitsPorts) {
    this.#ports = ports
  }

  /** @throws Fault `access/limit_exceeded`, or `store/unavailable` where the limits of a new caller cannot be read */
  authorize(caller: AuthenticatedCaller, request: GatewayRequest, operation: OperationName): void | Promise<void> {
    const entry = this.#ports.meters.ready(caller)
    if (entry !== undefined) return this.#pay(entry, caller, request, operation)
    return this.#enterOnce(caller).then((entered) => {
      // Between its making and this turn others may have come, for whom what is idle makes room.
      return entered.isThere ? this.#pay(entered, caller, request, operation) : this.authorize(caller, request, operation)
    })
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
    return {
      object: 'limits', world: caller.tenant.world, key: quota(entry.meter('key', 0)), merchant: quota(entry.tenant.merchant),
      routes: limitedOperations.map((operation, route) => ({ operation, cost: operations[operation].cost, ...quota(entry.tenant.route(route)) })),
    }
  }

  /** Calls that come together read the limits once. */
  #enterOnce(caller: AuthenticatedCaller): Promise<KeyMeters> {
    const known = this.#entering.get(caller.apiKey)
    if (known !== undefined) return known
    const entering = this.#enter(caller).finally(() => this.#entering.delete(caller.apiKey))
    this.#entering.set(caller.apiKey, entering)
    return entering
  }

  async #enter(caller: AuthenticatedCaller): Promise<KeyMeters> {
    const { meters, find, config } = this.#ports
    const { generation } = meters
    const version = meters.get(caller.apiKey)?.tenant.version
    const limits = await limitsOf(caller.tenant, find, config)
    const known = meters.get(caller.apiKey)
    if (known === undefined) return meters.add(caller, limits, generation)
    meters.change(known, limits)
    // Where they changed again while they were read, the next call reads them again.
    if (known.tenant.version === version) known.tenant.isStale = false
    return known
  }

  #pay(entry: KeyMeters, caller: AuthenticatedCaller, request: GatewayRequest, operation: OperationName): void | Promise<void> {
    const { store, addressOf, nowUs: now } = this.#ports
    const { route, cost: price } = routes.get(operation) ?? noRoute(operation)
    const cost = caller.restriction === undefined ? price : price * this.#ports.costFactor(caller)
    const nowUs = now()
    if (cost > 1 && !addressOf(request).canSpend(cost - 1, nowUs)) throw this.#refuseAddress({ entry, caller, request, route, cost }, nowUs)
    const short = entry.spend(route, cost, nowUs)
    if (short !== undefined) return this.#payLater({ entry, caller, request, route, cost }, short, nowUs)
    this.#paid(entry, request, { route, cost, nowUs })
    if (store !== undefined) this.#takeAhead(leasesOf(entry, route), store, nowUs)
    return undefined
  }

  /** The address pays the rest, and the answer says how the limit stands that is nearest to its end. */
  #paid(entry: KeyMeters, request: GatewayRequest, { route, cost, nowUs }: { readonly route: number; readonly cost: number; readonly nowUs: number }): void {
    // Asked for anew: where the call waited, its bucket may have been forgotten meanwhile.
    if (cost > 1) this.#ports.addressOf(request).spend(cost - 1, nowUs)
    addAnswerHeaders(request, 'ratelimit-policy', entry.policyField, 'ratelimit', entry.tightestField(route, nowUs))
  }

  /** What is not here may be in the store that gateways share. */
  async #payLater(call: PaidCall, short: LimitNames, nowUs: number): Promise<void> {
    const { store, nowUs: now } = this.#ports
    const { entry, request, route, cost } = call
    if (store === undefined || store.awaySinceUs !== null) throw this.#refuse(call, short, nowUs)
    const leases = leasesOf(entry, route)
    if (leases.some((meter) => meter.isRefused(cost, nowUs))) throw this.#refuse(call, short, nowUs)
    const refusing = await payFromLeases(leases, cost, { store, nowUs: now })
    if (refusing !== undefined) throw this.#refuse(call, limitNames[leases.indexOf(refusing)] ?? short, now())
    this.#paid(entry, request, { route, cost, nowUs: now() })
  }

  /** Behind the request: the next one finds what it needs. */
  #takeAhead(meters: readonly LeasedMeter[], store: TokenStore, nowUs: number): void {
    const low = meters.filter((meter) => meter.isLow(nowUs))
    if (low.length > 0) void takeInto(low, 0, { store, nowUs: this.#ports.nowUs })
  }

  #refuse({ entry, caller, request, route, cost }: PaidCall, name: LimitNames, nowUs: number): Error {
    this.#ports.onRefused(caller, name)
    const waitUs = Math.max(...metersOf(entry, route).map((meter) => meter.canSpend(cost, nowUs) ? 0 : meter.waitUs(cost, nowUs)))
    const fields = ['ratelimit-policy', entry.policyField, 'ratelimit', entry.stateField(name, route, nowUs)]
    return refusal(request, { name, limit: entry.limit(name), cost, waitUs, fields })
  }

  #refuseAddress({ caller, request, cost }: PaidCall, nowUs: number): Error {
    this.#ports.onRefused(caller, 'address')
    const { address: limit } = this.#ports.config
    return refusal(request, { name: 'address', limit, cost, waitUs: this.#ports.addressOf(request).waitUs(cost, nowUs), fields: [] })
  }
}

function noRoute(operation: OperationName): never {
  throw new TypeError(`${operation} takes no key, and has no caller who pays`)
}

/** A call, and what it is paid from. */
type PaidCall = {
  readonly entry: KeyMeters
  readonly caller: AuthenticatedCaller
  readonly request: GatewayRequest
  readonly route: number
  readonly cost: number
}

function metersOf(entry: KeyMeters, route: number): readonly Meter[] {
  return limitNames.map((name) => entry.meter(name, route))
}

/** With a store that gateways share, every meter is one of leases. */
function leasesOf(entry: KeyMeters, route: number): readonly LeasedMeter[] {
  return metersOf(entry, route) as readonly LeasedMeter[]
}
