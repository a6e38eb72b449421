import { concat, uint, type Bytes } from './bytes.ts'
import { SealerError } from './sealer-error.ts'

export type ValueType = 'card_number' | 'phone' | 'identity_document' | 'bank_account' | 'text'

const shortBytes = 128
const longStepBytes = 1_024
const longBytesMax = 8_192
const lengthBytes = 2

/**
 * A value behind its length, with zeros up to a size that does not tell it.
 * @throws SealerError `value_refused` where there is nothing, or more than fits
 */
export function padValue(type: ValueType, value: string): Bytes {
  const bytes = new TextEncoder().encode(value)
  const needed = lengthBytes + bytes.length
  const size = type === 'text' ? Math.ceil(needed / longStepBytes) * longStepBytes : shortBytes
  if (bytes.length === 0) throw new SealerError('value_refused', 'there is nothing to seal')
  if (needed > size || size > longBytesMax) throw new SealerError('value_refused', `this is too long for a ${type}`)
  return concat(uint(bytes.length, lengthBytes), bytes, new Uint8Array(size - needed))
}
