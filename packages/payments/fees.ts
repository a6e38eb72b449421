import { parseAmount, type Money } from '@ngome/kernel'

/**
 * What the operator takes of a payment: a fixed part and hundredths of a percent of the amount, within bounds. Amounts are decimals in
 * major units with no more digits than the currency has; the configuration is checked for that when it is read.
 */
export type Tariff = {
  readonly fixed: string
  readonly basisPoints: number
  readonly min: string
  /** Without it there is no bound. */
  readonly max?: string | undefined
}

/** The fee of a payment, in minor units of its currency; what does not come to a whole unit is left to the merchant. */
export function feeOf({ amountMinor, currency }: Money, tariff: Tariff): bigint {
  const minor = (text: string): bigint => {
    const amount = parseAmount(text, currency)
    if (amount === undefined) throw new TypeError(`a tariff in another currency than ${currency}`)
    return amount
  }
  const fee = minor(tariff.fixed) + amountMinor * BigInt(tariff.basisPoints) / 10_000n
  const atLeast = fee < minor(tariff.min) ? minor(tariff.min) : fee
  return tariff.max !== undefined && atLeast > minor(tariff.max) ? minor(tariff.max) : atLeast
}
