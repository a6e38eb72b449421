import { join } from 'node:path'
import { isLoopbackHost } from './loopback.ts'
import type { NetworkConfig, PartialConfig } from './fields.ts'

/** The demonstration's webhook receiver; allowed by default only where no network moves real money. */
const demoReceiver = 'localhost:9999'

/** Fills in what follows from other values. */
export function completeConfig(given: PartialConfig) {
  const { port, airtelPort, cardPort } = given.simulator
  const simulators = { 'mtn-momo': port, 'airtel-money': airtelPort, 'card-acquirer': cardPort } as const
  const networks: Record<string, NetworkConfig> = {}
  for (const [name, network] of Object.entries(given.networks)) {
    const { callingCode = '' } = network
    networks[name] = { ...network, callingCode, baseUrl: network.baseUrl ?? `http://127.0.0.1:${simulators[network.connector]}` }
  }
  return {
    ...given,
    gateway: completeGateway(given.gateway),
    custodian: {
      ...given.custodian,
      enrolmentKeyPath: given.custodian.enrolmentKeyPath ?? join(given.dataDir, 'custodian', 'enrolment.key'),
    },
    dispatcher: {
      ...given.dispatcher,
      callbackBaseUrl: given.dispatcher.callbackBaseUrl ?? `https://localhost:${given.gateway.port}`,
    },
    database: completeDatabase(given.database),
    egress: { allowPrivate: given.egress.allowPrivate ?? defaultAllowPrivate(networks) },
    networks,
  }
}

/**
 * The checkout's name is one of the gateway's, in its certificate and watched like the others. Where the operator brings the
 * certificate there is a checkout once he names it: nobody is made to order a certificate anew.
 */
function completeGateway(given: PartialConfig['gateway']) {
  const { tls: { acme, ...tls }, publicNames, port } = given
  const isOperators = acme !== undefined || tls.certificatePath !== undefined
  const checkoutOrigin = given.checkoutOrigin ?? (isOperators ? undefined : `https://checkout.localhost:${port}`)
  const certificateNames = checkoutOrigin === undefined ? publicNames : [...publicNames, new URL(checkoutOrigin).hostname]
  const reachable = given.checkoutOrigin === undefined ? [] : [`${new URL(given.checkoutOrigin).hostname}:${new URL(given.checkoutOrigin).port || '443'}`]
  return {
    ...given, checkoutOrigin, certificateNames,
    tls: {
      ...tls,
      watched: tls.watched ?? [...watchedOf({ publicNames, port }), ...reachable],
      ...acme === undefined ? {} : { acme: { ...acme, names: acme.names ?? certificateNames } },
    },
  }
}

/** IPv6 literals in brackets, as in a URL. */
function watchedOf({ publicNames, port }: Pick<PartialConfig['gateway'], 'publicNames' | 'port'>): string[] {
  return publicNames.map((name) => `${name.includes(':') ? `[${name}]` : name}:${port}`.toLowerCase())
}

function completeDatabase(given: PartialConfig['database']) {
  const url = given.url?.expose((text) => new URL(text))
  return {
    ...(given.url === undefined ? {} : { url: given.url }),
    host: url?.hostname ?? given.host ?? '127.0.0.1',
    port: url === undefined ? given.port ?? 8448 : Number(url.port === '' ? 5432 : url.port),
    name: url?.pathname.slice(1) ?? given.name ?? 'ngome',
    tls: url === undefined ? given.tls ?? false : url.searchParams.get('sslmode') === 'verify-full',
  }
}

function defaultAllowPrivate(networks: Readonly<Record<string, NetworkConfig>>): string[] {
  const all = Object.values(networks)
  const simulators = all.filter((network) => network.world === 'test').map((network) => new URL(network.baseUrl))
    .filter((url) => isLoopbackHost(url.hostname) && url.port !== '').map((url) => url.host)
  return [...new Set(all.some((network) => network.world === 'live') ? simulators : [...simulators, demoReceiver])]
}
