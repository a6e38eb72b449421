/** A range of issuer identification numbers (ISO/IEC 7812-1 §5), both ends included and of the same length. */
export type IssuerRange = readonly [from: string, to: string]

export type CardNetwork = {
  readonly name: string
  /** How many digits its numbers have. */
  readonly lengths: readonly number[]
  readonly ranges: readonly IssuerRange[]
  /** Where the ranges are published. They change: this table is data, and a newer one replaces it. */
  readonly source: string
}

const one = (prefix: string): IssuerRange => [prefix, prefix]
const sixteenTo19 = [16, 17, 18, 19] as const

/**
 * Not verified against the networks' own lists, which acquirers have and which change: `source` says which list settles a
 * range. The ranges of visa, mastercard, amex, jcb and diners are long settled and widely published; those of verve,
 * unionpay, discover, maestro and rupay less surely so. What hangs on a range is the name that a person reads, and
 * whether digits in a text that should hold no card are taken for one; a card number itself is kept also where no range
 * has it, and no payment is routed by it. Where ranges of two networks meet, the longer prefix is the one that counts.
 */
export const cardNetworks: readonly CardNetwork[] = [
  {
    name: 'visa', lengths: [13, 16, 19], ranges: [one('4')],
    source: 'Visa Core Rules and Visa Product and Service Rules, "Account Number"',
  },
  {
    name: 'mastercard', lengths: [16], ranges: [['51', '55'], ['2221', '2720']],
    source: 'Mastercard, "2-Series BIN", and Mastercard Rules chapter 6',
  },
  {
    name: 'verve', lengths: [16, 18, 19], ranges: [['506099', '506198'], ['507865', '507964'], ['650002', '650027']],
    source: 'Interswitch, Verve card acceptance guide',
  },
  {
    name: 'amex', lengths: [15], ranges: [one('34'), one('37')],
    source: 'American Express, Merchant Operating Guide, "Card number"',
  },
  {
    name: 'unionpay', lengths: sixteenTo19, ranges: [one('62'), ['810', '817']],
    source: 'UnionPay International, Operating Regulations volume II, BIN list',
  },
  {
    name: 'discover', lengths: sixteenTo19, ranges: [one('6011'), ['644', '649'], one('65')],
    source: 'Discover Network, "IIN ranges", acquirer bulletin',
  },
  {
    name: 'diners', lengths: [14, 15, 16, 17, 18, 19], ranges: [['300', '305'], one('3095'), one('36'), ['38', '39']],
    source: 'Discover Network, "IIN ranges", acquirer bulletin (Diners Club International)',
  },
  {
    name: 'jcb', lengths: sixteenTo19, ranges: [['3528', '3589']],
    source: 'JCB International, card number specification',
  },
  {
    name: 'maestro', lengths: [12, 13, 14, 15, 16, 17, 18, 19],
    ranges: [one('5018'), one('5020'), one('5038'), one('5893'), one('6304'), one('6759'), ['6761', '6763']],
    source: 'Mastercard Rules, Maestro account ranges',
  },
  {
    name: 'rupay', lengths: [16], ranges: [one('60'), one('508'), one('818'), one('819'), one('82')],
    source: 'National Payments Corporation of India, RuPay IIN list',
  },
]
