import { checkDestination } from './check-destination.ts'
import { nameOf, parseDestination, refused, type Destination } from './destination.ts'
import type { Resolver } from './resolver.ts'
import { makeAgents, transmit, type Outgoing, type Transmission } from './transmit.ts'

export type EgressSettings = {
  /** The one base address of each payment network. */
  readonly providers: Readonly<Record<string, { readonly baseUrl: string }>>
  /** `host:port` that the operator allows although private or plain HTTP. */
  readonly allowPrivate: readonly string[]
  /** Certificates to trust for providers and webhooks in place of the system's, in PEM. */
  readonly authorities?: readonly string[]
  /** For names that merchants chose. */
  readonly resolve: Resolver
  /** For names that the operator chose, providers' and those allowed by name; without, as for merchants' names. */
  readonly resolveOperators?: Resolver
}

/** The only way out of the platform. */
export type EgressGuard = {
  /** @throws Fault `egress/refused` where the network is unknown or the path would leave its base address */
  toProvider(network: string, path: string, outgoing: Outgoing): Promise<Transmission>
  /** @throws Fault `egress/refused` where the address is not one that a merchant may choose */
  toWebhook(url: string, outgoing: Outgoing): Promise<Transmission>
  close(): void
}

export function createEgressGuard(settings: EgressSettings): EgressGuard {
  const allowedByName = new Set(settings.allowPrivate)
  const providers = new Map(Object.entries(settings.providers).map(([name, { baseUrl }]) => [name, parseDestination(baseUrl)]))
  const providerNames = new Set([...providers.values()].map(nameOf))
  const providerAgents = makeAgents(true)
  const webhookAgents = makeAgents(false)

  const { resolve, resolveOperators = resolve } = settings

  const send = async (destination: Destination, outgoing: Outgoing, agents = webhookAgents): Promise<Transmission> => {
    const deadline = AbortSignal.timeout(outgoing.timeoutMs)
    const isOperators = agents === providerAgents || allowedByName.has(nameOf(destination))
    const checking = checkDestination(destination, allowedByName, isOperators ? resolveOperators : resolve)
    const checked = await Promise.race([checking, aborted(deadline)])
    if (checked === 'aborted') return { kind: 'unreached', reason: 'no address in time' }
    return transmit(checked, outgoing, agents, deadline, settings.authorities)
  }

  return {
    async toProvider(network, path, outgoing) {
      const base = providers.get(network)
      if (base === undefined) throw refused('a network that is not configured')
      return send(below(base, path), outgoing, providerAgents)
    },
    async toWebhook(url, outgoing) {
      const destination = parseDestination(url)
      // What is allowed by name for a provider is not for a merchant to call through us.
      if (providerNames.has(nameOf(destination))) throw refused('a webhook to a payment network')
      return send(destination, outgoing)
    },
    close() {
      for (const { http, https } of [providerAgents, webhookAgents]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => { signal.addEventListener('abort', () => { resolve('aborted') }, { once: true }) })
}

/** A path below a provider's base address, which no part of it can leave. */
function below(base: Destination, path: string): Destination {
  const root = base.path.endsWith('/') ? base.path.slice(0, -1) : base.path
  if (!/^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+\/?$/.test(path)) throw refused('a path of other characters than ours')
  return { ...base, path: root + path }
}
