import { parseSealedDataKey, type SealedDataKey } from '@ngome/envelope'
import { parseBase64Url } from '@ngome/kernel'
import { Refusal } from '../calls/refusal.ts'
import { dataKeyHash } from './seen-data-keys.ts'

/** A sealed data key is some 1,500 bytes; whatever is much larger is none. */
const sealedBytesMax = 4_096
export const saltBytes = 32

/** A sealed data key as a caller shows it; nothing of it is believed yet. */
export type PresentedDataKey = {
  readonly sealed: Uint8Array
  readonly hash: Uint8Array
  readonly parts: SealedDataKey
}

/** @throws Refusal `custodian/refused` */
export function parseDataKey(text: string): PresentedDataKey {
  const sealed = parseBase64Url(text)
  const parts = sealed === undefined || sealed.length > sealedBytesMax ? undefined : parseSealedDataKey(sealed)
  if (sealed === undefined || parts === undefined) throw new Refusal('data_key_malformed', 'a data key')
  return { sealed, hash: dataKeyHash(sealed), parts }
}
