import type { PaymentDirection } from '@ngome/contracts'
import { Fault, parseCurrency, parseMoney, type FieldFault, type Money, type World } from '@ngome/kernel'
import { feeOf } from '@ngome/payments'
import type { Config } from '@ngome/runtime'
import { isPayablePhone } from '../networks/is-payable-phone.ts'

export type Networks = Config['networks']

/** What a merchant asked for, held against what the networks take. */
export type Order = {
  readonly direction: PaymentDirection; readonly money: Money; readonly feeMinor: bigint; readonly network: string; readonly callingCode: string
}

/** What of a request the rules across fields are about. */
export type Asked = {
  readonly direction: PaymentDirection
  readonly amount: string
  readonly currency: string
  readonly network: string
  /** Whose phone, and where it stands in the body. */
  readonly phone: { readonly number: string; readonly pointer: string }
}

/**
 * Checks the rules across fields that no schema of one field knows.
 * @throws Fault `request/invalid`, naming every field that is wrong and no value
 */
export function checkOrder(networks: Networks, world: World, asked: Asked): Order {
  const network = networkOf(networks, world, asked.network, asked.direction)
  if (isOfCards(network)) throw invalid([{ pointer: '/network', detail: 'This network takes cards, and has no phones.' }])
  return checkMoney(network, asked, phoneFaults(network, asked.phone))
}

function phoneFaults(network: Networks[string], phone: Asked['phone']): FieldFault[] {
  if (!phone.number.startsWith(`+${network.callingCode}`)) {
    return [{ pointer: phone.pointer, detail: 'This number is not of the network\'s country.' }]
  }
  if (isPayablePhone(phone.number, network)) return []
  return [{ pointer: phone.pointer, detail: 'This is no number that a mobile phone of the network\'s country has.' }]
}

/** Whether its payers have cards in place of phones. */
export function isOfCards({ connector }: Pick<Networks[string], 'connector'>): boolean {
  return connector === 'card-acquirer'
}

/**
 * Checks an order's money against its network.
 * @param others what else is wrong with it, to be told with this
 * @throws Fault `request/invalid`
 */
export function checkMoney(network: Networks[string], asked: Omit<Asked, 'phone'>, others: readonly FieldFault[]): Order {
  const { direction } = asked
  const fields: FieldFault[] = []
  const currency = parseCurrency(asked.currency)
  if (currency === undefined || currency !== network.currency) {
    fields.push({ pointer: '/currency', detail: 'The network does not settle in this currency.' })
  }
  const money = currency === undefined ? undefined : parseMoney(asked.amount, currency)
  if (money === undefined) fields.push(noAmount)
  fields.push(...others)
  // A tariff is in the network's currency.
  const feeMinor = money === undefined || currency !== network.currency ? 0n : feeFor(network, direction, money)
  if (money !== undefined && direction === 'collection' && feeMinor >= money.amountMinor) {
    fields.push({ pointer: '/amount', detail: 'The fee would leave nothing of this amount.' })
  }
  if (fields.length > 0 || money === undefined) throw invalid(fields)
  return { direction, money, feeMinor, network: asked.network, callingCode: network.callingCode }
}

export const noAmount: FieldFault = { pointer: '/amount', detail: 'This is not an amount above zero in digits that the currency has.' }

/**
 * A network of this world by which money goes this way.
 * @throws Fault `request/invalid`
 */
export function networkOf(networks: Networks, world: World, name: string, direction: PaymentDirection): Networks[string] {
  const network = Object.hasOwn(networks, name) ? networks[name] : undefined
  // A network of the other world does not exist in this one.
  if (network === undefined || network.world !== world) {
    throw invalid([{ pointer: '/network', detail: 'This network is not known here.' }])
  }
  if (!network.directions.includes(direction)) throw invalid([{ pointer: '/network', detail: `This network takes no ${direction}s.` }])
  return network
}

/** What the operator takes of a payment, by the network's tariff; nothing where it has none. */
export function feeFor(network: Pick<Networks[string], 'fees'>, direction: PaymentDirection, money: Money): bigint {
  const tariff = network.fees[direction]
  return tariff === undefined ? 0n : feeOf(money, tariff)
}

export function invalid(fields: readonly FieldFault[]): Fault {
  return new Fault('request/invalid', `the order does not fit: ${fields.map((field) => field.pointer).join(' ')}`, { fields })
}
