import { invalid } from './errors.ts'

const amountPattern = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/
const phonePattern = /^\+[1-9][0-9]{6,14}$/

/** An amount is a decimal text in major units: a number has lost digits before anybody can look. @throws ValidationError */
export function assertAmount(amount: unknown): void {
  if (typeof amount === 'number') throw invalid('/amount', 'a decimal text such as "12.50", not a number: numbers lose digits')
  if (typeof amount !== 'string' || !amountPattern.test(amount) || amount.length > 16) throw invalid('/amount', 'a decimal text in major units, such as "12.50"')
  if (/^[0.]+$/.test(amount)) throw invalid('/amount', 'more than nothing')
}

/** @param pointer where it stands in the body @throws ValidationError, without the number */
export function assertPhone(phone: unknown, pointer: '/payer/phone' | '/payee/phone'): void {
  if (typeof phone !== 'string' || !phonePattern.test(phone)) throw invalid(pointer, 'E.164: a plus sign, then up to fifteen digits')
}

/** Ids of two kinds look alike to a database; their prefix tells them apart. @throws ValidationError */
export function assertId(id: unknown, prefix: string): void {
  if (typeof id !== 'string' || !new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`).test(id)) throw invalid('id', `an id that begins with ${prefix}_`)
}
