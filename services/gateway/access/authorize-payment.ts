import { Fault, formatMoney, type Currency, type Money } from '@ngome/kernel'
import type { DayTotal } from '@ngome/store'
import type { AuthenticatedCaller } from '../http/call.ts'

/**
 * Holds a payment against the caps of its key. What its day came to is only known in the payment's own transaction: this
 * says how much that may be.
 * @returns the day's total that it counts towards, of whose key, in minor units; `null` where there is no such cap
 * @throws Fault `access/cap_exceeded`, naming the cap
 */
export function authorizePayment(
  { apiKey, caps }: Pick<AuthenticatedCaller, 'apiKey' | 'caps'>, { network, money }: { readonly network: string; readonly money: Money },
): DayTotal | null {
  const { currency, amountMinor } = money
  if (caps.networks.size > 0 && !caps.networks.has(network)) throw exceeded(apiKey, '/network', 'This key may not use this network.')
  if (caps.currencies.size > 0 && !caps.currencies.has(currency)) throw exceeded(apiKey, '/currency', 'This key may not use this currency.')
  const amountMax = capOf(apiKey, caps.amountMax, currency)
  if (amountMax !== undefined && amountMinor > amountMax) {
    throw exceeded(apiKey, '/amount', `This key may ask for ${formatMoney({ currency, amountMinor: amountMax })} ${currency} at once at most.`)
  }
  const atMostMinor = capOf(apiKey, caps.dayTotalMax, currency)
  return atMostMinor === undefined ? null : { ofKey: caps.dayTotalOf ?? apiKey, atMostMinor }
}

/** @returns what a payment is answered whose day is full */
export function dayTotalReached(apiKey: string, dayTotalMax: Money): Fault {
  return exceeded(apiKey, '/amount', `This key may ask for ${formatMoney(dayTotalMax)} ${dayTotalMax.currency} a day (UTC) at most.`)
}

/** Where an amount is capped at all, a currency without an entry is refused: a thief would use that. */
function capOf(apiKey: string, caps: ReadonlyMap<Currency, bigint>, currency: Currency): bigint | undefined {
  if (caps.size === 0) return undefined
  const cap = caps.get(currency)
  if (cap === undefined) throw exceeded(apiKey, '/currency', 'This key has amounts for other currencies only.')
  return cap
}

function exceeded(apiKey: string, pointer: string, detail: string): Fault {
  return new Fault('access/cap_exceeded', `${apiKey}: ${pointer}`, { fields: [{ pointer, detail }] })
}
