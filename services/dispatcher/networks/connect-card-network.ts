import { Fault } from '@ngome/kernel'
import type { NetworkConfig } from '@ngome/runtime'
import { connectCardAcquirer } from '../connectors/card-acquirer/connect-card-acquirer.ts'
import type { CardAcquirerCredentials, CardAcquirerPorts } from '../connectors/card-acquirer/settings.ts'
import type { PaymentNetwork } from '../connectors/payment-network.ts'

/**
 * Makes the connector of a card acquirer.
 * @throws Fault `config/invalid` without credentials
 */
export function connectCardNetwork(
  network: string, { card, baseUrl, requestTimeoutMs, enquiriesPerSecondMax }: NetworkConfig, fromFile: Partial<CardAcquirerCredentials>,
  ports: CardAcquirerPorts,
): PaymentNetwork {
  const { account = fromFile.account, secret = fromFile.secret, challengeOrigins = [new URL(baseUrl).origin] } = card ?? {}
  if (account === undefined || secret === undefined) {
    throw new Fault('config/invalid', `network ${network} has no credentials: put them into providers.json in the dispatcher's folder`)
  }
  return connectCardAcquirer({ network, challengeOrigins, requestTimeoutMs, enquiriesPerSecondMax }, { account, secret }, ports)
}
