import { checkDestination, plainHttpAllowed, type CheckedDestination } from './check-destination.ts'
import { nameOf, parseDestination, refused, type Destination } from './destination.ts'
import { ocspQuestion, type OcspQuestion } from './ocsp-question.ts'
import type { Resolver } from './resolver.ts'
import { makeAgents, transmit, type Outgoing, type Transmission, type Trust } from './transmit.ts'

export type EgressSettings = {
  /** The one base address of each payment network. */
  readonly providers: Readonly<Record<string, { readonly baseUrl: string }>>
  /** `host:port` that the operator allows although private or plain HTTP. */
  readonly allowPrivate: readonly string[]
  /** Where clients reach the platform's own public API, `host:port`; private or not. */
  readonly ownAddresses?: readonly string[]
  /** The directory of the authority that issues our public certificate, and whom its own HTTPS is trusted by where not by the system's. */
  readonly certificateAuthority?: { readonly directoryUrl: string; readonly trust: Trust }
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
  /**
   * Sends below an address that the operator allowed, with the certificate that he pinned. The name is looked up and
   * checked first, and only then is the request made; what it is made of stays closed where the address is refused.
   * @param prepare gives nothing where there is nothing to send
   * @throws Fault `egress/refused`
   */
  toForward(allowed: AllowedAddress, prepare: () => Promise<(Outgoing & { readonly path: string }) | undefined>): Promise<Transmission | undefined>
  /**
   * Sends to the certificate authority. Where, it says itself, answer by answer: below the host of its directory and nowhere else.
   * @throws Fault `egress/refused`
   */
  toCertificateAuthority(url: string, outgoing: Outgoing): Promise<Transmission>
  /**
   * Finds where to connect to for a look at our own public API, as its clients reach it.
   * @param address `host:port`, one of the configured
   * @returns its addresses; none where the name has none now
   * @throws Fault `egress/refused` where it is not one of ours
   */
  toOwn(address: string): Promise<CheckedDestination>
  /**
   * Asks an authority about the status of a certificate that it issued, where the certificate says: the only request that
   * may be plain HTTP, on port 80. What comes back is believed for its signature alone.
   * @throws Fault `egress/refused` also where the certificate names no responder, or is not the issuer's
   */
  toResponder(question: OcspQuestion): Promise<Transmission>
  close(): void
}

/** Ends in a slash; everything below it may be called. */
export type AllowedAddress = { readonly url: string; readonly trust: Trust }

export function createEgressGuard(settings: EgressSettings): EgressGuard {
  const allowedByName = new Set(settings.allowPrivate)
  const ownAddresses = new Map((settings.ownAddresses ?? []).map((address) => [address, parseDestination(`https://${address}/`)]))
  const providers = new Map(Object.entries(settings.providers).map(([name, { baseUrl }]) => [name, parseDestination(baseUrl)]))
  const { certificateAuthority } = settings
  const directory = certificateAuthority === undefined ? undefined : parseDestination(certificateAuthority.directoryUrl)
  const operatorsNames = new Set([...providers.values(), ...directory === undefined ? [] : [directory]].map(nameOf))
  const providerAgents = makeAgents(true)
  const webhookAgents = makeAgents(false)
  const authorityAgents = makeAgents(false)

  const { resolve, resolveOperators = resolve } = settings

  const send = async (
    destination: Destination, outgoing: Outgoing, agents = webhookAgents,
    { trust = {}, ...options }: Parameters<typeof checkDestination>[3] & { readonly trust?: Trust } = {},
  ): Promise<Transmission> => {
    const deadline = AbortSignal.timeout(outgoing.timeoutMs)
    const isOperators = agents === providerAgents || agents === authorityAgents || allowedByName.has(nameOf(destination))
    const checking = checkDestination(destination, allowedByName, isOperators ? resolveOperators : resolve, options)
    const checked = await Promise.race([checking, aborted(deadline)])
    if (checked === 'aborted') return { kind: 'unreached', reason: 'no address in time' }
    const { authorities = settings.authorities } = trust
    return transmit(checked, outgoing, agents, deadline, authorities === undefined ? {} : { authorities })
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
      if (operatorsNames.has(nameOf(destination))) throw refused('a webhook to a payment network, or to the certificate authority')
      return send(destination, outgoing)
    },
    async toForward({ url, trust }, prepare) {
      const base = parseDestination(url)
      const checked = await checkDestination(base, allowedByName, resolveOperators)
      const outgoing = await prepare()
      if (outgoing === undefined) return undefined
      if (!isBelow(base, outgoing.path)) throw refused('a forward that leaves its address')
      const { authorities = settings.authorities } = trust
      const believed = authorities === undefined ? trust : { ...trust, authorities }
      return transmit({ ...checked, path: outgoing.path }, outgoing, webhookAgents, AbortSignal.timeout(outgoing.timeoutMs), believed)
    },
    async toCertificateAuthority(url, outgoing) {
      return send(besideDirectory(directory, url), outgoing, authorityAgents, { trust: certificateAuthority?.trust ?? {} })
    },
    async toOwn(address) {
      const destination = ownAddresses.get(address)
      if (destination === undefined) throw refused('a look at an address that is not ours')
      return checkDestination(destination, new Set([nameOf(destination)]), resolveOperators)
    },
    async toResponder(question) {
      const { url, outgoing } = ocspQuestion(question)
      const destination = parseDestination(url)
      if (operatorsNames.has(nameOf(destination))) throw refused('a question to a payment network')
      return send(destination, outgoing, webhookAgents, { [plainHttpAllowed]: true })
    },
    close() {
      for (const { http, https } of [providerAgents, webhookAgents, authorityAgents]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => { signal.addEventListener('abort', () => { resolve('aborted') }, { once: true }) })
}

/** At the host and port of the directory, whatever the authority says. */
function besideDirectory(directory: Destination | undefined, url: string): Destination {
  if (directory === undefined) throw refused('a certificate authority that is not configured')
  const destination = parseDestination(url)
  if (destination.protocol !== 'https:' || nameOf(destination) !== nameOf(directory)) throw refused('a certificate authority that leads away from itself')
  return { ...directory, path: destination.path }
}

/** Asked last, of the bytes that would leave: whatever made the path, it stays below. */
function isBelow(base: Destination, path: string): boolean {
  const parsed = URL.parse(`https://below.invalid${path}`)
  return base.path.endsWith('/') && path.startsWith(base.path) && /^[!-~]+$/.test(path) && !path.includes('#')
    && parsed !== null && parsed.pathname + parsed.search === path && !/%2f|%5c/i.test(parsed.pathname)
}

/** A path below a provider's base address, which no part of it can leave. */
function below(base: Destination, path: string): Destination {
  const root = base.path.endsWith('/') ? base.path.slice(0, -1) : base.path
  if (!/^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+\/?$/.test(path)) throw refused('a path of other characters than ours')
  return { ...base, path: root + path }
}
