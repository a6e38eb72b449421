import { Fault, type Clock } from '@ngome/kernel'
import type { NetworkConfig } from '@ngome/runtime'
import { connectMtnMomo, type MtnMomoCredentials } from '../connectors/mtn-momo/connect-mtn-momo.ts'
import type { PaymentNetwork } from '../connectors/payment-network.ts'
import type { Network } from '../dispatcher.ts'
import type { EgressGuard } from '../egress/egress-guard.ts'

/** Enough for a slow custodian, database and network together; it only delays the last word on a lost payment. */
const sendWithinMs = 30_000

/**
 * Makes the connector of each configured network.
 * @throws Fault `config/invalid` for a network without credentials
 */
export function connectNetworks(
  networks: Readonly<Record<string, NetworkConfig>>, credentials: ReadonlyMap<string, MtnMomoCredentials>,
  egress: EgressGuard, clock: Clock,
): ReadonlyMap<string, Network> {
  return new Map(Object.entries(networks).map(([name, config]) => [name, {
    connector: connect(name, config, credentials.get(name), egress, clock),
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

function connect(
  network: string, config: NetworkConfig, fromFile: MtnMomoCredentials | undefined, egress: EgressGuard, clock: Clock,
): PaymentNetwork {
  switch (config.connector) {
    case 'mtn-momo': {
      const { apiUser = fromFile?.apiUser, apiKey = fromFile?.apiKey, subscriptionKey = fromFile?.subscriptionKey } = config
      if (apiUser === undefined || apiKey === undefined || subscriptionKey === undefined) {
        throw new Fault('config/invalid', `network ${network} has no credentials: put them into providers.json in the dispatcher's folder`)
      }
      const { targetEnvironment, requestTimeoutMs, enquiriesPerSecondMax } = config
      const settings = { network, targetEnvironment, requestTimeoutMs, enquiriesPerSecondMax }
      return connectMtnMomo(settings, { apiUser, apiKey, subscriptionKey }, egress, clock)
    }
    default: return config.connector satisfies never
  }
}
