import { Fault } from '@ngome/kernel'
import type { NetworkConfig } from '@ngome/runtime'
import { connectAirtelMoney } from '../connectors/airtel-money/connect-airtel-money.ts'
import type { AirtelMoneyCredentials, AirtelMoneyPorts } from '../connectors/airtel-money/settings.ts'
import type { PaymentNetwork } from '../connectors/payment-network.ts'

/**
 * Makes the connector of one of Airtel's countries.
 * @throws Fault `config/invalid` without credentials, or with a key that is none
 */
export function connectAirtelNetwork(
  network: string, config: NetworkConfig, fromFile: Partial<AirtelMoneyCredentials>, ports: AirtelMoneyPorts,
): PaymentNetwork {
  const { airtel, currency, callingCode, requestTimeoutMs, enquiriesPerSecondMax } = config
  if (airtel === undefined) throw new Fault('config/invalid', `network ${network} does not say which country of Airtel's it is`)
  const { clientId = fromFile.clientId, clientSecret = fromFile.clientSecret } = airtel
  if (clientId === undefined || clientSecret === undefined) {
    throw new Fault('config/invalid', `network ${network} has no credentials: put them into providers.json in the dispatcher's folder`)
  }
  const { country, signsMessages, messageKeySha256, pinScheme, namesCallback } = airtel
  const settings = {
    network, country, currency, callingCode, signsMessages, messageKeySha256, pinScheme, namesCallback, requestTimeoutMs, enquiriesPerSecondMax,
  }
  return connectAirtelMoney(settings, {
    clientId,
    clientSecret,
    callbackKey: airtel.callbackKey ?? fromFile.callbackKey,
    pin: airtel.pin ?? fromFile.pin,
    pinKey: airtel.pinKey ?? fromFile.pinKey,
  }, ports)
}
