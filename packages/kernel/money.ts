/**
 * Currencies with the number of digits of their minor unit (ISO 4217, table A.1). The list is what the networks in
 * scope settle in; a currency that is not here is refused, never guessed.
 */
export const currencyDigits = {
  AOA: 2, BIF: 0, BWP: 2, CDF: 2, CVE: 2, DJF: 0, DZD: 2, EGP: 2, ERN: 2, ETB: 2, EUR: 2, GBP: 2, GHS: 2, GMD: 2,
  GNF: 0, KES: 2, KMF: 0, LRD: 2, LSL: 2, LYD: 3, MAD: 2, MGA: 2, MRU: 2, MUR: 2, MWK: 2, MZN: 2, NAD: 2, NGN: 2,
  RWF: 0, SCR: 2, SDG: 2, SLE: 2, SOS: 2, SSP: 2, STN: 2, SZL: 2, TND: 3, TZS: 2, UGX: 0, USD: 2, XAF: 0, XOF: 0,
  ZAR: 2, ZMW: 2, ZWG: 2,
} as const

export type Currency = keyof typeof currencyDigits

export type Money = { readonly amountMinor: bigint; readonly currency: Currency }

/** Twelve digits of major units: past any single mobile-money payment, far below 2^63 minor units. */
const majorDigitsMax = 12

export function parseCurrency(text: string): Currency | undefined {
  return Object.hasOwn(currencyDigits, text) ? (text as Currency) : undefined
}

/**
 * Reads a decimal string in major units, such as `"12.50"`.
 * @returns the money, or `undefined` where the text is not a plain decimal above zero or has more digits after the
 * point than the currency has (so `"10.5"` UGX is refused, not rounded).
 */
export function parseMoney(text: string, currency: Currency): Money | undefined {
  const amountMinor = parseAmount(text, currency)
  return amountMinor !== undefined && amountMinor > 0n ? { amountMinor, currency } : undefined
}

/** Reads the same, in minor units, where nothing is an amount as well. */
export function parseAmount(text: string, currency: Currency): bigint | undefined {
  const digits = currencyDigits[currency]
  const match = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text)
  if (match === null) return undefined
  const [, major = '', minor = ''] = match
  if (major.length > majorDigitsMax || minor.length > digits) return undefined
  return BigInt(major + minor.padEnd(digits, '0'))
}

/** Writes money as a decimal string in major units with all the currency's digits: 1250n KES is `"12.50"`. */
export function formatMoney(money: Money): string {
  const digits = currencyDigits[money.currency]
  const sign = money.amountMinor < 0n ? '-' : ''
  const text = (money.amountMinor < 0n ? -money.amountMinor : money.amountMinor).toString().padStart(digits + 1, '0')
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}
