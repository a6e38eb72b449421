import type { Clock, Random } from '@ngome/kernel'
import type { Config, Logger } from '@ngome/runtime'
import { postgresPayments, type Database } from '@ngome/store'
import type { PublicApiPorts } from '../http/public-api.ts'
import type { GatewaySecrets } from '../keys/custodian-secrets.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { NetworkBoard } from '../networks/network-board.ts'
import type { Limits } from '../limits/compose-limits.ts'
import type { Shedding } from '../overload/shedding.ts'
import { failureTeller } from '../process/tell-failures.ts'
import { CheckoutPages, type CheckoutPagesPorts } from './checkout-pages.ts'
import { CheckoutSite } from './checkout-site.ts'
import { PromptLimits } from './prompt-limits.ts'

/** Puts the checkout's site together; `undefined` where the operator has given it no name. */
export function createCheckout(
  from: {
    readonly config: Pick<Config, 'gateway' | 'networks'>
    readonly database: Database
    readonly board: NetworkBoard
    readonly clock: Clock
    readonly random: Random
    readonly monotonicMs: () => number
    readonly logger: Logger
  },
  { secrets, dataKeys, limits, shedding, standsFor, isDraining, isTrusted, onAnswer }: {
    readonly secrets: GatewaySecrets
    readonly dataKeys: DataKeys
    readonly limits: Pick<Limits, 'admitPage'>
    readonly shedding: Shedding
    readonly standsFor: CheckoutPagesPorts['standsFor']
    readonly isDraining: () => boolean
    readonly isTrusted: (address: string | undefined) => boolean
    readonly onAnswer: PublicApiPorts['onAnswer']
  },
): CheckoutSite | undefined {
  const { checkoutOrigin: origin } = from.config.gateway
  if (origin === undefined) return undefined
  const pages = new CheckoutPages({
    ...from, payments: postgresPayments(from.database), networks: from.config.networks, dataKeys, standsFor, linkSecret: secrets.callback, idempotencySecret: secrets.idempotency,
    eventSecret: secrets.callback,
    prompts: new PromptLimits({ random: from.random, nowUs: () => Math.floor(from.monotonicMs() * 1_000), isTrusted }),
  })
  const onFailure = failureTeller(from)
  return new CheckoutSite({
    origin, pages, isDraining,
    admit: (request, { cost, like }) => {
      limits.admitPage(request, cost)
      shedding.admit(request, like)
    },
    begin: (request, { like }) => shedding.begin(request, like),
    end: (request, { like }) => shedding.end(request, like),
    onAnswer: (status, request) => onAnswer('none', status, from.monotonicMs() - request.startedAtMs, request),
    onFailure: (fault, request) => onFailure(fault, request.requestId),
  })
}
