import type { CreatePayment, PaymentDirection } from '@ngome/contracts'
import { Fault, parseCurrency, parseMoney, type FieldFault, type Money, type World } from '@ngome/kernel'
import { feeOf } from '@ngome/payments'
import type { Config } from '@ngome/runtime'

export type Networks = Config['networks']

/** What a merchant asked for, held against what the networks take. */
export type Order = { readonly money: Money; readonly feeMinor: bigint; readonly network: string; readonly callingCode: string }

/**
 * Checks the rules across fields that no schema of one field knows.
 * @throws Fault `request/invalid`, naming every field that is wrong and no value
 */
export function checkOrder(networks: Networks, world: World, body: CreatePayment): Order {
  const network = Object.hasOwn(networks, body.network) ? networks[body.network] : undefined
  // A network of the other world does not exist in this one.
  if (network === undefined || network.world !== world) {
    throw invalid([{ pointer: '/network', detail: 'This network is not known here.' }])
  }
  const fields: FieldFault[] = []
  const currency = parseCurrency(body.currency)
  if (currency === undefined || currency !== network.currency) {
    fields.push({ pointer: '/currency', detail: 'The network does not settle in this currency.' })
  }
  const money = currency === undefined ? undefined : parseMoney(body.amount, currency)
  if (money === undefined) {
    fields.push({ pointer: '/amount', detail: 'This is not an amount above zero in digits that the currency has.' })
  }
  if (!body.payer.phone.startsWith(`+${network.callingCode}`)) {
    fields.push({ pointer: '/payer/phone', detail: 'This number is not of the network\'s country.' })
  }
  const feeMinor = money === undefined ? 0n : feeFor(network, 'collection', money)
  if (money !== undefined && feeMinor >= money.amountMinor) {
    fields.push({ pointer: '/amount', detail: 'The fee would leave nothing of this amount.' })
  }
  if (fields.length > 0 || money === undefined) throw invalid(fields)
  return { money, feeMinor, network: body.network, callingCode: network.callingCode }
}

/** What the operator takes of a payment, by the network's tariff; nothing where it has none. */
export function feeFor(network: Pick<Networks[string], 'fees'>, direction: PaymentDirection, money: Money): bigint {
  const tariff = network.fees[direction]
  return tariff === undefined ? 0n : feeOf(money, tariff)
}

function invalid(fields: readonly FieldFault[]): Fault {
  return new Fault('request/invalid', `the order does not fit: ${fields.map((field) => field.pointer).join(' ')}`, { fields })
}
