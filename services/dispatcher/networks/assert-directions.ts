import type { PaymentDirection } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import type { NetworkConfig } from '@ngome/runtime'

/** What a connector needs for the ways that it has not with its first credentials alone. */
const needs: Readonly<Record<NetworkConfig['connector'], string>> = {
  'mtn-momo': 'MTN\'s disbursement product: put "disbursement": {"apiUser", "apiKey", "subscriptionKey"} beside its credentials in providers.json in the dispatcher\'s folder',
  'airtel-money': 'Airtel\'s PIN and the key to encrypt it with: put "pin" and "pinKey" beside its credentials in providers.json in the dispatcher\'s folder',
  'card-acquirer': 'what no card acquirer has',
}

/**
 * Refuses a network that the gateway would take payouts and refunds for, and that could send none: each would wait with its money reserved, and fail.
 * @throws Fault `config/invalid`, which says what to add
 */
export function assertDirections(
  network: string, { connector, directions }: Pick<NetworkConfig, 'connector' | 'directions'>, possible: readonly PaymentDirection[],
): void {
  const missing = directions.filter((direction) => !possible.includes(direction))
  if (missing.length === 0) return
  const ways = missing.join(' and ')
  throw new Fault('config/invalid', `network ${network} has the directions ${ways}, which need ${needs[connector]}; or take ${ways} out of networks.${network}.directions`)
}
