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

/** A burst of openings shows a few data keys again and again; each text is some 2 kB. */
const presentedMax = 1_024

/** Data keys that were shown a moment ago, by their whole text: what the same bytes say is the same. */
export class PresentedDataKeys {
  readonly #known = new Map<string, PresentedDataKey>()

  /** @throws Refusal `custodian/refused` */
  parse(text: string): PresentedDataKey {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const parsed = parseDataKey(text)
    this.#known.set(text, parsed)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= presentedMax) break
      this.#known.delete(oldest)
    }
    return parsed
  }
}

/** @throws Refusal `custodian/refused` */
export function parseDataKey(text: string): PresentedDataKey {
  const sealed = parseBase64Url(text)
  const parts = sealed === undefined || sealed.length > sealedBytesMax ? undefined : parseSealedDataKey(sealed)
  if (sealed === undefined || parts === undefined) throw new Refusal('data_key_malformed', 'a data key')
  return { sealed, hash: dataKeyHash(sealed), parts }
}
