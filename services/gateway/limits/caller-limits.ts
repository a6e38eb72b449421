import { payFromLeases, rateLimitField, spendThree, takeInto, type LeasedMeter, type Meter, type TokenBucket, type TokenStore } from '@ngome/access'
import type { LimitsView } from '@ngome/contracts'
import type { ApiKeyId, MerchantId } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import { operationNames, operations, type OperationName } from '../api/operations.ts'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import type { CallerMeters, KeyMeters, LimitNames, TenantMeters } from './caller-meters.ts'
import { limitsOf, type FindOwnLimits } from './merchant-limits.ts'
import { addAnswerHeader, refusal } from './refuse.ts'

const usPerSecond = 1_000_000

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
    if (known === undefined) return meters.add(caller, limits, generation)
    known.tenant.change(limits)
    // Where they changed again while they were read, the next call reads them again.
    if (known.tenant.version === version) known.tenant.isStale = false
    return known
  }

  #pay(entry: KeyMeters, caller: AuthenticatedCaller, request: GatewayRequest, operation: OperationName): void | Promise<void> {
    const { store, addressOf, nowUs: now } = this.#ports
    const cost = operations[operation].cost * (caller.restriction === undefined ? 1 : this.#ports.costFactor(caller))
    const { key, tenant } = entry
    const call: PaidCall = { caller, request, tenant, cost, key, merchant: tenant.merchant, route: tenant.route(operation), address: addressOf(request) }
    const nowUs = now()
    // Another key of this tenant was the first to hear of new limits.
    if (key.limit !== tenant.limits.key) key.change(tenant.limits.key)
    if (cost > 1 && !call.address.canSpend(cost - 1, nowUs)) throw this.#refuseAddress(call, nowUs)
    const short = spendThree(key, call.merchant, call.route, cost, nowUs)
    if (short !== undefined) return this.#payLater(call, short, nowUs)
    paid(call, nowUs)
    if (store !== undefined) this.#takeAhead(metersOf(call) as readonly LeasedMeter[], store, nowUs)
    return undefined
  }

  /** What is not here may be in the store that gateways share. */
  async #payLater(call: PaidCall, short: Meter, nowUs: number): Promise<void> {
    const { store, nowUs: now } = this.#ports
    const leased = metersOf(call) as readonly LeasedMeter[]
    if (store === undefined || store.awaySinceUs !== null || leased.some((meter) => meter.isRefused(call.cost, nowUs))) {
      throw this.#refuse(call, short, nowUs)
    }
    const refusing = await payFromLeases(leased, call.cost, { store, nowUs: now })
    if (refusing !== undefined) throw this.#refuse(call, refusing, now())
    paid(call, now())
  }

  /** Behind the request: the next one finds what it needs. */
  #takeAhead(meters: readonly LeasedMeter[], store: TokenStore, nowUs: number): void {
    const low = meters.filter((meter) => meter.isLow(nowUs))
    if (low.length > 0) void takeInto(low, 0, { store, nowUs: this.#ports.nowUs })
  }

  #refuse(call: PaidCall, short: Meter, nowUs: number): Error {
    const { caller, request, tenant, cost } = call
    const name = nameOf(short, call)
    this.#ports.onRefused(caller, name)
    const waitUs = Math.max(...metersOf(call).map((meter) => meter.canSpend(cost, nowUs) ? 0 : meter.waitUs(cost, nowUs)))
    return refusal(request, { name, limit: short.limit, cost, waitUs, fields: ['ratelimit-policy', tenant.policyField, 'ratelimit', stateField(name, call, nowUs)] })
  }

  #refuseAddress({ caller, request, address, cost }: PaidCall, nowUs: number): Error {
    this.#ports.onRefused(caller, 'address')
    const { address: limit } = this.#ports.config
    return refusal(request, { name: 'address', limit, cost, waitUs: address.waitUs(cost, nowUs), fields: [] })
  }
}

/** A call, and what it is paid from. */
type PaidCall = Readonly<Record<LimitNames, Meter>> & {
  readonly caller: AuthenticatedCaller
  readonly request: GatewayRequest
  readonly tenant: TenantMeters
  readonly cost: number
  readonly address: TokenBucket
}

function metersOf({ key, merchant, route }: PaidCall): readonly Meter[] {
  return [key, merchant, route]
}

/** The address pays the rest, and the answer says how the limit stands that is nearest to its end. */
function paid(call: PaidCall, nowUs: number): void {
  const { request, tenant, address, cost } = call
  if (cost > 1) address.spend(cost - 1)
  addAnswerHeader(request, 'ratelimit-policy', tenant.policyField)
  addAnswerHeader(request, 'ratelimit', stateField(tightestOf(call, nowUs), call, nowUs))
}

function tightestOf({ key, merchant, route }: PaidCall, nowUs: number): LimitNames {
  const ofKey = key.remaining(nowUs)
  const ofMerchant = merchant.remaining(nowUs)
  const ofRoute = route.remaining(nowUs)
  if (ofKey <= ofMerchant && ofKey <= ofRoute) return 'key'
  return ofMerchant <= ofRoute ? 'merchant' : 'route'
}

function nameOf(meter: Meter, { key, merchant }: PaidCall): LimitNames {
  if (meter === key) return 'key'
  return meter === merchant ? 'merchant' : 'route'
}

function stateField(name: LimitNames, call: PaidCall, nowUs: number): string {
  const { [name]: meter } = call
  return rateLimitField({ name, remaining: meter.remaining(nowUs), moreInS: Math.ceil(meter.moreInUs(nowUs) / usPerSecond) })
}
