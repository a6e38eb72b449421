import type { PaymentDirection } from '@ngome/contracts'
import { Fault, type World } from '@ngome/kernel'
import { networkFor } from '@ngome/payments'
import type { AuthenticatedCaller } from '../http/call.ts'
import { checkOrder, invalid, isOfCards, type Asked, type Networks, type Order } from '../payments/order.ts'
import { isPayablePhone } from './is-payable-phone.ts'
import type { NetworkBoard, NetworkLook } from './network-board.ts'

/** Nobody is told to stay away longer: what is announced may end sooner. */
const retryAfterSMax = 3_600

export type RoutedOrder = {
  /** As the merchant stated it; it is never another then. */
  readonly network?: string | undefined
  readonly direction: PaymentDirection
  readonly currency: string
  readonly phone: { readonly number: string; readonly pointer: string }
}

/**
 * The network that an order goes by: the stated one, or the one whose number it is; where that is away or closed, the first that may
 * stand in for it. Decided here and sealed, since what is sealed is what is paid.
 * @param mayUse of the networks that the caller's key is held to
 * @throws Fault `request/invalid`, `networks/in_maintenance`, `store/unavailable`
 */
export async function routeOrder(
  { networks, board }: { readonly networks: Networks; readonly board: Pick<NetworkBoard, 'look'> }, world: World, order: RoutedOrder,
  mayUse: (network: string) => boolean,
): Promise<string> {
  const look = await board.look()
  const name = order.network ?? standIn(networks, look, ownNetwork(networks, world, order), (other) => mayUse(other) && takes(networks, other, order))
  assertNotClosed(look, networks, world, name)
  return name
}

/** @throws Fault `networks/in_maintenance`, `store/unavailable` */
export async function assertOpen(
  { networks, board }: { readonly networks: Networks; readonly board: Pick<NetworkBoard, 'look'> }, world: World, name: string,
): Promise<void> {
  assertNotClosed(await board.look(), networks, world, name)
}

/** The time of maintenance in which a network takes nothing new now; those that have payments wait take them. */
export function refusesNow(look: NetworkLook, networks: Networks, world: World, name: string): ReturnType<NetworkLook['closedNow']> {
  const network = Object.hasOwn(networks, name) ? networks[name] : undefined
  return network?.world !== world || network.onMaintenance === 'wait' ? undefined : look.closedNow(name)
}

function assertNotClosed(look: NetworkLook, networks: Networks, world: World, name: string): void {
  const closed = refusesNow(look, networks, world, name)
  if (closed === undefined) return
  const untilMs = closed.toMs - look.nowMs
  throw new Fault('networks/in_maintenance', `${name} is closed`, { retryAfterS: Math.min(retryAfterSMax, Math.max(1, Math.ceil(untilMs / 1_000))) })
}

/** Routes an order, and holds it against what its network takes. @throws Fault as `routeOrder`, `request/invalid` */
export async function routeAndCheck(
  ports: { readonly networks: Networks; readonly board: Pick<NetworkBoard, 'look'> }, { tenant: { world }, caps }: Pick<AuthenticatedCaller, 'tenant' | 'caps'>,
  asked: Omit<Asked, 'network'> & Pick<RoutedOrder, 'network'>,
): Promise<Order> {
  const network = await routeOrder(ports, world, asked, (name) => caps.networks.size === 0 || caps.networks.has(name))
  return checkOrder(ports.networks, world, { ...asked, network })
}

/** @throws Fault `request/invalid` where that is nobody's, or not one's alone */
function ownNetwork(networks: Networks, world: World, order: RoutedOrder): string {
  const { phone } = order
  const fitting = Object.fromEntries(Object.entries(networks).filter(([name, network]) => network.world === world && takes(networks, name, order)))
  const routing = networkFor(phone.number, world, fitting)
  switch (routing.kind) {
    case 'found': return routing.network
    case 'ambiguous': throw invalid([{ pointer: '/network', detail: 'Several networks have numbers that begin so: state which one it is.' }])
    case 'none': {
      const isPayable = Object.values(fitting).some((network) => isPayablePhone(phone.number, network))
      throw invalid([isPayable
        ? { pointer: '/network', detail: 'No network is known by how this number begins: state which one it is.' }
        : { pointer: phone.pointer, detail: 'No network here takes this number in this currency.' }])
    }
    default: return routing satisfies never
  }
}

function takes(networks: Networks, name: string, { currency, direction }: RoutedOrder): boolean {
  const network = networks[name]
  return network?.currency === currency && network.directions.includes(direction) && !isOfCards(network)
}

/** Whoever may take its orders while it cannot; itself where nobody can. */
function standIn(networks: Networks, look: NetworkLook, name: string, isFit: (other: string) => boolean): string {
  if (!isAway(look, name)) return name
  return networks[name]?.fallback.find((other) => isFit(other) && !isAway(look, other)) ?? name
}

function isAway(look: NetworkLook, name: string): boolean {
  const { status } = look.standingOf(name)
  return status === 'down' || status === 'maintenance'
}
