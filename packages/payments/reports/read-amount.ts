import { currencyDigits, parseMoney, type Currency } from '@ngome/kernel'

/** How a file writes decimals: by which mark, and what stands between groups of thousands; `''`: nothing does. */
export type DecimalForm = { readonly mark: '.' | ','; readonly group: '' | ',' | '.' | ' ' }

export type SignedAmount = { readonly amountMinor: bigint; readonly isNegative: boolean }

/** Twelve digits, their groups, a mark and what follows it. */
const amountLengthMax = 32

/**
 * Reads an amount in major units, in minor ones. Zeros after the currency's last digit are nothing (`100.00` UGX is 100);
 * any other digit there is more than the currency has, and refused. Groups are of three digits or it is no amount, so that a
 * decimal comma is never taken for one of thousands.
 */
export function readAmount(text: string, currency: Currency, { mark, group }: DecimalForm): SignedAmount | undefined {
  if (text.length > amountLengthMax) return undefined
  const match = /^([+-]?)([0-9., \u00A0\u202F]+)$/.exec(text)
  if (match === null) return undefined
  const [, sign, digits = ''] = match
  const [major = '', minor, ...more] = digits.split(mark)
  if (more.length > 0) return undefined
  const whole = wholeOf(major, group)
  if (whole === undefined || (minor !== undefined && !/^[0-9]+$/.test(minor))) return undefined
  const significant = (minor ?? '').replace(/0+$/, '')
  if (significant.length > currencyDigits[currency]) return undefined
  const money = parseMoney(significant === '' ? whole : `${whole}.${significant}`, currency)
  return money === undefined ? undefined : { amountMinor: money.amountMinor, isNegative: sign === '-' }
}

function wholeOf(major: string, group: DecimalForm['group']): string | undefined {
  const plain = group === ' ' ? major.replace(/[\u00A0\u202F]/g, ' ') : major
  const groups = group === '' ? [plain] : plain.split(group)
  const isGrouped = groups.every((part, at) => (at === 0 ? /^[0-9]{1,12}$/ : /^[0-9]{3}$/).test(part))
  if (!isGrouped || (groups.length > 1 && (groups[0]?.length ?? 0) > 3)) return undefined
  return groups.join('').replace(/^0+(?=[0-9])/, '')
}
