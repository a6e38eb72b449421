import { createHmac } from 'node:crypto'
import { lengthPrefixed, type Secret } from '@ngome/kernel'
import { blindFormat } from './format.ts'

/**
 * The caller's half of a blind index: HMAC-SHA-256 of a value under the outer key. The custodian adds its half under a
 * key that never leaves it, so that neither alone can look a value up.
 * @param normalisedValue in the one form that equal values share, such as E.164 for a phone number
 */
export function blindOnce(outerKey: Secret<Uint8Array>, normalisedValue: string): Uint8Array {
  if (normalisedValue === '') throw new TypeError('an index of nothing')
  return outerKey.expose((key) => createHmac('sha256', key).update(lengthPrefixed(blindFormat, normalisedValue)).digest())
}
