import { isPageOf } from '@ngome/access'
import type { CreatePayment } from '@ngome/contracts'
import { Fault, type Clock, type FieldFault, type Tenant, type VaultTokenId } from '@ngome/kernel'
import { isCardMask, paymentView } from '@ngome/payments'
import type { Acceptance, VaultTokenRow } from '@ngome/store'
import { assertOpen } from '../networks/route-order.ts'
import { checkMoney, invalid, isOfCards, networkOf, type Networks, type Order } from './order.ts'
import { placeOrder, type Orderer, type Placed, type PlaceOrderPorts } from './place-order.ts'

/** What is known of a merchant's cards and pages. */
export type CardPorts = {
  /** A live token, or `undefined`. @throws Fault `store/unavailable` */
  findToken(tenant: Tenant, id: VaultTokenId): Promise<VaultTokenRow | undefined>
  /** The origins that the operator registered for it. @throws Fault `store/unavailable` */
  listOrigins(tenant: Tenant): Promise<readonly string[]>
}

/** Nobody looks longer at what a client sealed, as a rule. */
const pendingRetryAfterS = 1

/**
 * Accepts a payment by card. The number stays in the vault: what is sealed is the token, and what is shown is the mask that was made
 * of it when somebody who may looked at it.
 * @throws Fault `request/invalid`, `vault/token_pending`, `networks/in_maintenance`, `access/cap_exceeded`, `custodian/unavailable`, `store/unavailable`
 */
export async function collectByCard(
  ports: PlaceOrderPorts & { readonly cards: CardPorts }, caller: Orderer, body: CreatePayment, marks: Omit<Acceptance['idempotency'], 'answer'>,
): Promise<Placed & { readonly order: Order }> {
  const { tenant, tenant: { world } } = caller
  const { payer, reference, description = null, ...asked } = body
  const name = body.network ?? onlyNetwork(ports.networks, caller, body.currency)
  const network = networkOf(ports.networks, world, name, 'collection')
  if (!isOfCards(network)) throw invalid([{ pointer: '/network', detail: 'This network takes no cards.' }])
  await assertOpen(ports, world, name)
  const returnUrl = body.return_url ?? ''
  const origins = await ports.cards.listOrigins(tenant)
  const faults: FieldFault[] = [...payerFaults(payer, ports.clock), ...isPageOf(returnUrl, origins) ? [] : [{
    pointer: '/return_url', detail: 'This is no page of an origin that is registered for you.',
  }]]
  const order = checkMoney(network, { ...asked, network: name, direction: 'collection' }, faults)
  const { card: token, card_expiry: expiry } = payer
  if (token === undefined || expiry === undefined) throw new TypeError('a payment by card without one')
  const masked = await maskOf(ports.cards, tenant, token)
  const placed = await placeOrder(ports, caller, {
    ...order, phone: null, phoneMasked: masked, card: { token, expiry, return_url: returnUrl }, reference, description,
  }, marks, paymentView)
  return { ...placed, order }
}

/** @throws Fault `request/invalid`, the same for a token that never was, another merchant's, deleted and expired; `vault/token_pending` */
async function maskOf(cards: CardPorts, tenant: Tenant, id: VaultTokenId): Promise<string> {
  const row = await cards.findToken(tenant, id)
  if (row === undefined) throw invalid([{ pointer: '/payer/card', detail: 'No live token of yours has this id.' }])
  if (row.type !== 'card_number' || row.status === 'invalid') throw invalid([{ pointer: '/payer/card', detail: 'This token holds no card number.' }])
  if (row.status === 'pending') throw new Fault('vault/token_pending', `nobody has looked at ${id} yet`, { retryAfterS: pendingRetryAfterS })
  if (row.masked === null || !isCardMask(row.masked)) throw invalid([{ pointer: '/payer/card', detail: 'This token holds no card number.' }])
  return row.masked
}

/** @throws Fault `request/invalid` where there is none, or not one alone */
function onlyNetwork(networks: Networks, { tenant: { world }, caps }: Orderer, currency: string): string {
  const fitting = Object.entries(networks).filter(([name, network]) => (
    isOfCards(network) && network.world === world && network.currency === currency && (caps.networks.size === 0 || caps.networks.has(name))
  ))
  const [found] = fitting
  if (found === undefined) throw invalid([{ pointer: '/payer/card', detail: 'No network here takes cards in this currency.' }])
  if (fitting.length > 1) throw invalid([{ pointer: '/network', detail: 'Several networks take cards: state which one it is.' }])
  return found[0]
}

function payerFaults({ phone, card_expiry: expiry }: CreatePayment['payer'], clock: Clock): FieldFault[] {
  const faults: FieldFault[] = []
  if (phone !== undefined) faults.push({ pointer: '/payer/phone', detail: 'A payer has a phone or a card.' })
  if (expiry === undefined) faults.push({ pointer: '/payer/card_expiry', detail: 'A card has an expiry.' })
  else if (isOver(expiry, clock)) faults.push({ pointer: '/payer/card_expiry', detail: 'This month is over.' })
  return faults
}

/** A card is good to the end of its month, wherever on Earth. */
function isOver(expiry: string, clock: Clock): boolean {
  const [year = 0, month = 0] = expiry.split('-').map(Number)
  const dayMs = 86_400_000
  return Date.UTC(year, month) + dayMs <= clock.nowMs()
}
