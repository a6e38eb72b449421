import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { Fault, lengthPrefixed, Secret, type Random } from '@ngome/kernel'
import type { KeyLabel, RootKey } from './root-key.ts'

/** Length of the root key: AES-256. */
export const rootKeyBytes = 32
/** First byte of what this adapter wraps; another adapter, or another way of wrapping, gets another. */
const wrapFormat = 0x01
const nonceBytes = 12
const tagBytes = 16
/** Private keys are the largest; anything longer is not a key. */
const keyBytesMax = 4096

/**
 * A root key in this process's memory. Each label has an AES-256-GCM key of its own (HKDF-SHA-256, RFC 5869, with the
 * label as `info`) and is the additional data besides: a wrapped key opens under its own label only, and the random
 * nonces of one label never meet those of another (NIST SP 800-38D §8.3 bounds them for each key).
 */
export function softwareRootKey(key: Secret<Uint8Array>, random: Random): RootKey {
  key.expose((bytes) => {
    if (bytes.length !== rootKeyBytes) throw new TypeError('a root key of another length')
  })
  return {
    wrap: async (label, value) => value.expose((bytes) => wrap(key, label, bytes, random)),
    unwrap: async (label, wrapped) => unwrap(key, label, wrapped),
    describe: () => ({ name: 'software-unprotected', isProtected: false }),
  }
}

function wrap(root: Secret<Uint8Array>, label: KeyLabel, value: Uint8Array, random: Random): Uint8Array {
  if (value.length === 0 || value.length > keyBytesMax) throw new RangeError('a key of such a length is not wrapped')
  const nonce = random.bytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', labelKey(root, label), nonce, { authTagLength: tagBytes })
  cipher.setAAD(labelBytes(label))
  return Buffer.concat([Uint8Array.of(wrapFormat), nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
}

function unwrap(root: Secret<Uint8Array>, label: KeyLabel, wrapped: Uint8Array): Secret<Uint8Array> {
  const tagAt = wrapped.length - tagBytes
  const isShaped = wrapped[0] === wrapFormat && tagAt > 1 + nonceBytes && wrapped.length <= keyBytesMax + 64
  if (!isShaped) throw unusable(label)
  const nonce = wrapped.subarray(1, 1 + nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', labelKey(root, label), nonce, { authTagLength: tagBytes })
  decipher.setAAD(labelBytes(label))
  decipher.setAuthTag(wrapped.subarray(tagAt))
  const value = decipher.update(wrapped.subarray(1 + nonceBytes, tagAt))
  try {
    decipher.final()
  } catch (cause) {
    value.fill(0)
    throw unusable(label, cause)
  }
  return new Secret(new Uint8Array(value))
}

function unusable(label: KeyLabel, cause?: unknown): Fault {
  const message = `the wrapped key ${label.purpose}/${label.name} does not unwrap`
  return new Fault('custodian/key_unusable', message, { cause })
}

function labelKey(root: Secret<Uint8Array>, label: KeyLabel): Uint8Array {
  return root.expose((bytes) => new Uint8Array(hkdfSync('sha256', bytes, new Uint8Array(), labelBytes(label), 32)))
}

function labelBytes(label: KeyLabel): Uint8Array {
  return lengthPrefixed('ngome/root-wrap/v1', label.purpose, label.name)
}
