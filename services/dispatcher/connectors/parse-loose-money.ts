import { parseMoney, type Currency, type Money } from '@ngome/kernel'

/**
 * Reads an amount as networks write it: with any number of zeros at its end, so that "5", "5.0" and "5.000" are one.
 * @returns `undefined` where it has more digits than the currency, or is none above zero
 */
export function parseLooseMoney(text: string, currency: Currency): Money | undefined {
  return parseMoney(text.replace(/(\.[0-9]*?)0+$/, '$1').replace(/\.$/, ''), currency)
}
