import type { World } from '@ngome/kernel'
import { isOfCards, type Networks } from '../payments/order.ts'

/** A network as a payer picks it. */
export type OfferedNetwork = { readonly name: string; readonly label: string; readonly callingCode: string; readonly prefixes?: readonly string[] | undefined }

/** What people call a connector's network, where the operator does not say. */
const labels: Readonly<Record<string, string>> = { 'mtn-momo': 'MTN Mobile Money', 'airtel-money': 'Airtel Money' }

/** Of the networks that a session names, those that still are and take its currency in its world. */
export function offeredNetworks(networks: Networks, { names, world, currency }: {
  readonly names: readonly string[]; readonly world: World; readonly currency: string
}): readonly OfferedNetwork[] {
  return names.flatMap((name) => {
    const network = Object.hasOwn(networks, name) ? networks[name] : undefined
    if (network === undefined || network.world !== world || network.currency !== currency || isOfCards(network)) return []
    return [{ name, label: network.label ?? labels[network.connector] ?? name, callingCode: network.callingCode, prefixes: network.prefixes }]
  })
}
