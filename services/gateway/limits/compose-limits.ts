import { LeasedMeter, OwnMeter, paceOf, shareOf, type Limit, type Pace, type TokenStore } from '@ngome/access'
import type { LimitsView } from '@ngome/contracts'
import type { ApiKeyId, Clock, FaultCode, MerchantId } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import type { Registry } from 'prom-client'
import { restrictionOf } from '../access/refuse-suspended.ts'
import { operations, type OperationName } from '../api/operations.ts'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import { AddressLimits } from './address-limits.ts'
import { CallerLimits } from './caller-limits.ts'
import { CallerMeters } from './caller-meters.ts'
import { limitsMetrics } from './limits-metrics.ts'
import type { FindOwnLimits } from './merchant-limits.ts'
import { refusal } from './refuse.ts'
import type { LimitNames, NewMeter } from './tenant-meters.ts'

const usPerMs = 1_000
/** What a call of a key costs more whose use was unusual: a tenth of its limits is left to it. */
const throttledFactor = 10

/** What somebody who tries out secrets is answered. */
const guesses: ReadonlySet<FaultCode> = new Set<FaultCode>(['access/unauthenticated', 'access/signature_refused', 'checkout/link_unknown'])

/** The limits as the rest of the gateway meets them. */
export type Limits = {
  readonly admit: (request: GatewayRequest, operation: OperationName) => void
  /** Of what is no operation: its address pays all of it. */
  readonly admitPage: (request: GatewayRequest, cost: number) => void
  readonly authorize: (caller: AuthenticatedCaller, request: GatewayRequest, operation: OperationName) => void | Promise<void>
  /** Told of each answer: a wrong key, or a link that leads nowhere, costs its address more. */
  readonly onAnswer: (request: GatewayRequest | undefined) => void
  readonly forget: (changes: readonly { readonly apiKey: ApiKeyId | null; readonly merchant: MerchantId }[]) => void
  readonly view: (caller: AuthenticatedCaller) => LimitsView
}

/** What several gateways share; it hears of meters that spend while it is away. */
export type SharedStore = TokenStore & { readonly owes: (meter: LeasedMeter) => void }

/** Puts the limits together: addresses' in this process, callers' in this process or in the store that gateways share. */
export function createLimits(from: {
  readonly config: Config['limits']
  readonly monotonicMs: () => number
  readonly clock: Clock
  readonly find: FindOwnLimits
  readonly store: SharedStore | undefined
  readonly onRefused: (caller: AuthenticatedCaller, limit: LimitNames) => void
  readonly metrics: Registry
}): Limits {
  const { config, store } = from
  // Counted from when the process began, so that a bucket is never fuller than its rate could have filled it since.
  const nowUs = (): number => Math.floor(from.monotonicMs() * usPerMs)
  const costFactor = (caller: AuthenticatedCaller): number => restrictionOf(caller, from.clock.nowMs()) === 'throttle' ? throttledFactor : 1
  const addresses = new AddressLimits(config.address, nowUs)
  const partOf = partsOf(config)
  const meters = new CallerMeters({
    newMeter: store === undefined ? ownMeters(partOf) : leasedMeters(config, store), paceOf: partOf, hasOwnBuckets: store === undefined, nowUs,
  })
  const counts = limitsMetrics(from.metrics, { addresses, meters, store })
  const addressOf = (request: GatewayRequest) => addresses.of(request)
  const callers = new CallerLimits({
    config, meters, find: from.find, nowUs, addressOf, store, costFactor,
    onRefused: (caller, limit) => {
      counts.refused(limit)
      if (limit !== 'address') from.onRefused(caller, limit)
    },
  })
  /** @param now what is paid at once, of all that it costs */
  const admit = (request: GatewayRequest, cost: number, now: number): void => {
    const address = addressOf(request)
    const atUs = nowUs()
    if (!address.canSpend(now, atUs)) {
      counts.refused('address')
      throw refusal(request, { name: 'address', limit: config.address, cost, waitUs: address.waitUs(now, atUs), fields: [] })
    }
    address.spend(now)
  }
  return {
    admit: (request, operation) => {
      const { cost, credentials } = operations[operation]
      // What has a key pays the rest of its cost with its other limits: being looked at costs 1, whatever comes of it.
      admit(request, cost, credentials === 'api-key' ? 1 : cost)
    },
    admitPage: (request, cost) => admit(request, cost, cost),
    authorize: (caller, request, operation) => callers.authorize(caller, request, operation),
    onAnswer: (request) => {
      if (request !== undefined && request.faultCode !== null && guesses.has(request.faultCode)) {
        addressOf(request).spend(config.failureCost)
      }
    },
    forget: (changes) => callers.forget(changes),
    view: (caller) => callers.view(caller),
  }
}

/** Without a store each of several gateways enforces its part. */
function partsOf({ gateways }: Config['limits']): (limit: Limit) => Pace {
  // Most buckets are of few limits: what they have in common is close by when it is needed.
  const paces = new WeakMap<Limit, Pace>()
  return (limit) => {
    const known = paces.get(limit)
    if (known !== undefined) return known
    const made = shareOf(paceOf(limit), gateways)
    paces.set(limit, made)
    return made
  }
}

function ownMeters(partOf: (limit: Limit) => Pace): NewMeter {
  return (bucket, limit, place) => {
    if (place === undefined) throw new TypeError(`${bucket} has no place, and no store`)
    return new OwnMeter(limit, { paceOf: partOf, ...place })
  }
}

function leasedMeters({ gateways }: Config['limits'], store: SharedStore): NewMeter {
  return (bucket, limit) => new LeasedMeter(bucket, limit, { store, gateways, onDebt: (meter) => store.owes(meter) })
}
