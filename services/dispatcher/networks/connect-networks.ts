import { Fault, type Clock, type Random } from '@ngome/kernel'
import type { NetworkConfig } from '@ngome/runtime'
import { connectMtnMomo } from '../connectors/mtn-momo/connect-mtn-momo.ts'
import type { ProductCredentials } from '../connectors/mtn-momo/product.ts'
import type { PaymentNetwork } from '../connectors/payment-network.ts'
import type { Network } from '../dispatcher.ts'
import type { EgressGuard } from '../egress/egress-guard.ts'
import { assertDirections } from './assert-directions.ts'
import { connectAirtelNetwork } from './connect-airtel-network.ts'
import { connectCardNetwork } from './connect-card-network.ts'
import type { NetworkCredentials } from './read-credentials.ts'

/** Enough for a slow custodian, database and network together; it only delays the last word on a lost payment. */
const sendWithinMs = 30_000

/**
 * Makes the connector of each configured network.
 * @throws Fault `config/invalid` for a network without credentials, or without those of a way that money is to go by it
 */
export function connectNetworks(
  networks: Readonly<Record<string, NetworkConfig>>, credentials: ReadonlyMap<string, NetworkCredentials>,
  egress: EgressGuard, clock: Clock, random: Random,
): ReadonlyMap<string, Network> {
  return new Map(Object.entries(networks).map(([name, config]) => [name, {
    connector: connectWhole(name, config, credentials.get(name) ?? {}, { egress, clock, random }),
    provider: config.connector,
    world: config.world,
    currency: config.currency,
    callingCode: config.callingCode,
    settleAfterMs: config.settleAfterS * 1_000,
    enquiryIntervalMs: config.enquiryIntervalS * 1_000,
    giveUpAfterMs: config.giveUpAfterS * 1_000,
    sendWithinMs,
  }]))
}

type Ports = { readonly egress: EgressGuard; readonly clock: Clock; readonly random: Random }

function connectWhole(network: string, config: NetworkConfig, fromFile: NetworkCredentials, ports: Ports): PaymentNetwork {
  const connector = connect(network, config, fromFile, ports)
  assertDirections(network, config, connector.directions)
  return connector
}

function connect(network: string, config: NetworkConfig, fromFile: NetworkCredentials, { egress, clock, random }: Ports): PaymentNetwork {
  switch (config.connector) {
    case 'card-acquirer': return connectCardNetwork(network, config, fromFile, { egress, clock })
    case 'airtel-money': return connectAirtelNetwork(network, config, fromFile, { egress, clock, random })
    case 'mtn-momo': {
      const { apiUser = fromFile.apiUser, apiKey = fromFile.apiKey, subscriptionKey = fromFile.subscriptionKey, targetEnvironment } = config
      if (apiUser === undefined || apiKey === undefined || subscriptionKey === undefined || targetEnvironment === undefined) {
        throw new Fault('config/invalid', `network ${network} has no credentials: put them into providers.json in the dispatcher's folder`)
      }
      const { requestTimeoutMs, enquiriesPerSecondMax } = config
      const { payBy = 'transfer', version = 'v1_0' } = config.disbursement ?? {}
      const settings = {
        network, targetEnvironment, requestTimeoutMs, enquiriesPerSecondMax, disbursement: { currency: config.currency, payBy, version },
      }
      const disbursement = disbursementOf(network, config, fromFile)
      return connectMtnMomo(settings, { apiUser, apiKey, subscriptionKey, disbursement }, egress, clock)
    }
    default: return config.connector satisfies never
  }
}

/**
 * All of them or none: a product whose subscription is half known answers nothing.
 * @throws Fault `config/invalid` where the operator configured the product and not all that it needs
 */
function disbursementOf(
  network: string, { disbursement }: NetworkConfig, fromFile: NetworkCredentials,
): ProductCredentials | undefined {
  const {
    apiUser = fromFile.disbursement?.apiUser, apiKey = fromFile.disbursement?.apiKey,
    subscriptionKey = fromFile.disbursement?.subscriptionKey,
  } = disbursement ?? {}
  if (apiUser === undefined || apiKey === undefined || subscriptionKey === undefined) {
    if (disbursement === undefined) return undefined
    throw new Fault('config/invalid', `network ${network} has a disbursement without all its credentials: put them into providers.json`)
  }
  return { apiUser, apiKey, subscriptionKey }
}
