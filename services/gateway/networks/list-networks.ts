import type { NetworkView } from '@ngome/contracts'
import { getCountries, getCountryCallingCode } from 'libphonenumber-js/max'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { Networks } from '../payments/order.ts'
import type { NetworkBoard } from './network-board.ts'

/** Answers the networks of the caller's world, and how they do. @throws Fault `store/unavailable` */
export async function listNetworks(
  { networks, board }: { readonly networks: Networks; readonly board: Pick<NetworkBoard, 'look'> }, { caller: { tenant: { world } } }: Call<'listNetworks'>,
): Promise<Answer> {
  const look = await board.look()
  const data = Object.entries(networks).filter(([, network]) => network.world === world).map(([name, network]): NetworkView => {
    const { status, sinceMs } = look.standingOf(name)
    return {
      object: 'network', name, world, currency: network.currency, country: countryOf(network.callingCode), calling_code: network.callingCode === '' ? null : network.callingCode,
      directions: [...network.directions], status, since: sinceMs === null ? null : instant(sinceMs),
      maintenance: look.maintenanceOf(name).map(({ fromMs, toMs, reason }) => ({ from: instant(fromMs), to: instant(toMs), reason })),
    }
  })
  return { status: 200, contentType: jsonType, body: JSON.stringify({ object: 'list', data }) }
}

/** @returns `null` where countries share a calling code */
function countryOf(callingCode: string): string | null {
  const [country, other] = getCountries().filter((one) => getCountryCallingCode(one) === callingCode)
  return country !== undefined && other === undefined ? country : null
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString()
}
