import { hkdfSync } from 'node:crypto'
import { lengthPrefixed, type Random, type Secret } from '@ngome/kernel'
import type { KeyLabel, RootKey } from './root-key.ts'
import {
  assertKeyLength, decryptKey, encryptKey, isWrappedBy, rootIdBytes, unusable, wrapContext, wrapFormats, wrapHead,
} from './wrapped-key.ts'

/** Length of the root key: AES-256. */
export const rootKeyBytes = 32
const nonceBytes = 12

/**
 * A root key in this process's memory. Each label has an AES-256-GCM key of its own (HKDF-SHA-256, RFC 5869, with the
 * label as `info`) and is the additional data besides: a wrapped key opens under its own label only, and the random
 * nonces of one label never meet those of another (NIST SP 800-38D §8.3 bounds them for each key).
 * @param is how it is kept: in a file that a copy of the disk copies, or nowhere, put together from shares
 */
export function softwareRootKey(
  key: Secret<Uint8Array>, random: Random, is: { readonly name: string; readonly isProtected: boolean } = unprotected,
): RootKey {
  key.expose((bytes) => {
    if (bytes.length !== rootKeyBytes) throw new TypeError('a root key of another length')
  })
  const id = softwareRootId(key)
  const head = wrapHead(wrapFormats.software, id)
  return {
    wrap: async (label, value) => value.expose((bytes) => {
      assertKeyLength(bytes)
      const context = wrapContext(head, label)
      const wrapped = withDerived(key, context, (derived) => (
        encryptKey({ key: derived, nonce: random.bytes(nonceBytes), context }, bytes)
      ))
      return Buffer.concat([head, wrapped])
    }),
    unwrap: async (label, wrapped) => unwrap(key, id, label, wrapped),
    describe: () => ({ ...is, id }),
    check: async () => undefined,
    attemptExport: async () => ({ isRefused: is.isProtected, by: is.name }),
    close: async () => key.expose((bytes) => void bytes.fill(0)),
  }
}

const unprotected = { name: 'software-unprotected', isProtected: false }

/** Follows from the key, tells nothing of it, and is the same wherever the key turns up. */
export function softwareRootId(key: Secret<Uint8Array>): string {
  return withDerived(key, lengthPrefixed('ngome/root-id/v1'), (bytes) => (
    Buffer.from(bytes.subarray(0, rootIdBytes)).toString('hex')
  ))
}

function unwrap(key: Secret<Uint8Array>, id: string, label: KeyLabel, wrapped: Uint8Array): Secret<Uint8Array> {
  const isFirst = wrapped[0] === wrapFormats.softwareFirst
  if (!isFirst && !isWrappedBy(wrapped, wrapFormats.software, id)) throw unusable(label)
  const context = isFirst
    ? lengthPrefixed('ngome/root-wrap/v1', label.purpose, label.name)
    : wrapContext(wrapHead(wrapFormats.software, id), label)
  const body = wrapped.subarray(isFirst ? 1 : 1 + rootIdBytes)
  return withDerived(key, context, (derived) => decryptKey({ key: derived, context, label }, body))
}

function withDerived<T>(root: Secret<Uint8Array>, info: Uint8Array, use: (key: Uint8Array) => T): T {
  const derived = root.expose((bytes) => new Uint8Array(hkdfSync('sha256', bytes, new Uint8Array(), info, 32)))
  try {
    return use(derived)
  } finally {
    derived.fill(0)
  }
}
