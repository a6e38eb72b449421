import { createCipheriv, createDecipheriv } from 'node:crypto'
import { Fault, lengthPrefixed, Secret } from '@ngome/kernel'
import type { KeyLabel } from './root-key.ts'

/** First byte of wrapped bytes: how they were wrapped. The first format named no root; it is still unwrapped. */
export const wrapFormats = { softwareFirst: 0x01, software: 0x02, pkcs11: 0x03 } as const
export type WrapFormat = (typeof wrapFormats)[keyof typeof wrapFormats]

/** Enough that two roots of one custodian never share an id. */
export const rootIdBytes = 8
const nonceBytes = 12
const tagBytes = 16
/** What AES-GCM adds to a key. */
export const cipherOverheadBytes = nonceBytes + tagBytes
/** Private keys are the largest; anything longer is not a key. */
const keyBytesMax = 4096
/** Head and two ciphers around the longest key. */
const wrappedBytesMax = keyBytesMax + 256

/** The bytes before the ciphertext: the format, and which root wrapped. */
export function wrapHead(format: WrapFormat, rootId: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(format), Buffer.from(rootId, 'hex')])
}

/**
 * Whether these bytes can be of this format and root. Only a hint, as any bytes could say so; unwrapping decides.
 * A custodian with two roots, an old one and its successor, asks this to know whom to give them to.
 */
export function isWrappedBy(wrapped: Uint8Array, format: WrapFormat, rootId: string): boolean {
  const head = wrapHead(format, rootId)
  return wrapped.length <= wrappedBytesMax && Buffer.compare(wrapped.subarray(0, head.length), head) === 0
}

/** @returns which root the bytes say they are of; empty for the first format, which named none */
export function rootIdOf(wrapped: Uint8Array): string {
  return wrapped[0] === wrapFormats.softwareFirst ? '' : Buffer.from(wrapped.subarray(1, 1 + rootIdBytes)).toString('hex')
}

/** What binds wrapped bytes to their place: the head and the label, each framed. */
export function wrapContext(head: Uint8Array, label: KeyLabel): Uint8Array {
  return lengthPrefixed('ngome/root-wrap/v2', head, label.purpose, label.name)
}

/** @throws RangeError where the bytes cannot be a key */
export function assertKeyLength(value: Uint8Array): void {
  if (value.length === 0 || value.length > keyBytesMax) throw new RangeError('a key of such a length is not wrapped')
}

/** AES-256-GCM. @returns nonce, ciphertext, tag */
export function encryptKey(
  { key, nonce, context }: { readonly key: Uint8Array; readonly nonce: Uint8Array; readonly context: Uint8Array },
  value: Uint8Array,
): Uint8Array {
  assertKeyLength(value)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(context)
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
}

/**
 * Undoes {@link encryptKey}.
 * @throws Fault `custodian/key_unusable`
 */
export function decryptKey(
  { key, context, label }: { readonly key: Uint8Array; readonly context: Uint8Array; readonly label: KeyLabel },
  bytes: Uint8Array,
): Secret<Uint8Array> {
  const tagAt = bytes.length - tagBytes
  if (tagAt <= nonceBytes || bytes.length > wrappedBytesMax) throw unusable(label)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(context)
  decipher.setAuthTag(bytes.subarray(tagAt))
  const value = decipher.update(bytes.subarray(nonceBytes, tagAt))
  try {
    decipher.final()
    return new Secret(new Uint8Array(value))
  } catch (cause) {
    throw unusable(label, cause)
  } finally {
    value.fill(0)
  }
}

export function unusable(label: KeyLabel, cause?: unknown): Fault {
  const message = `the wrapped key ${label.purpose}/${label.name} does not unwrap`
  return new Fault('custodian/key_unusable', message, { cause })
}
