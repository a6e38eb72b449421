import { newId, toBase64Url, type Clock, type Random } from '@ngome/kernel'
import { encodeRecordContext } from './encode-record-context.ts'

/**
 * Makes an opening in its right form, of a record that does not exist and under a data key that nobody made: what a
 * process asks for to have itself refused.
 * @returns all three in base64url, as the custodian's `open` takes them
 */
export function openingOfNothing(from: { readonly clock: Clock; readonly random: Random }): {
  readonly dataKey: string; readonly context: string; readonly salt: string
} {
  const context = encodeRecordContext({
    tenant: { merchant: newId('merchant', from), world: 'test' },
    table: 'payments', recordId: newId('payment', from), dataClass: 'restricted', version: 1,
  }, 'hybrid')
  return {
    dataKey: toBase64Url(from.random.bytes(64)), context: toBase64Url(context), salt: toBase64Url(from.random.bytes(32)),
  }
}
