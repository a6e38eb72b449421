import { ascii, concat, uint, type Bytes } from './bytes.ts'

const version = ascii('HPKE-v1')

/** What RFC 9180 §4 asks of HKDF-SHA-256, for one suite id; an output of one block at most is enough here. */
export class KeyDerivation {
  readonly #suiteId: Bytes

  constructor(suiteId: Bytes) {
    this.#suiteId = suiteId
  }

  /** LabeledExtract. @param salt none where it is left out: as many zeros as the hash is long (RFC 5869 §2.2) */
  extract(label: string, ikm: Bytes, salt: Bytes = new Uint8Array(32)): Promise<Bytes> {
    return hmac(salt, concat(version, this.#suiteId, ascii(label), ikm))
  }

  /** LabeledExpand to 32 bytes. */
  expand(prk: Bytes, label: string, info: Bytes): Promise<Bytes> {
    return hmac(prk, concat(uint(32, 2), version, this.#suiteId, ascii(label), info, Uint8Array.of(1)))
  }
}

async function hmac(key: Bytes, message: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, message))
}
