import { Fault, type Random, type Secret } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import type { KeyLabel, RootKey } from '../root-key.ts'
import {
  assertKeyLength, cipherOverheadBytes, decryptKey, encryptKey, isWrappedBy, rootIdBytes, unusable, wrapContext, wrapFormats,
  wrapHead,
} from '../wrapped-key.ts'
import { attemptExport } from './attempt-export.ts'
import type { OpenToken } from './open-token.ts'
import { decryptInToken, encryptInToken } from './token-cipher.ts'
import type { TokenConnection } from './token-connection.ts'

const innerKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const headBytes = 1 + rootIdBytes
/** Head, nonce, the inner key under the token's key, tag. */
const envelopeBytes = headBytes + nonceBytes + innerKeyBytes + tagBytes

/** A session on a token, as a root key needs it. */
type Session = Pick<TokenConnection, 'use' | 'check' | 'release'>

/**
 * A root key that was made in a PKCS#11 token and never leaves it. What it wraps is an envelope: a fresh AES-256 key,
 * encrypted in the token, and under that key, here, the wrapped key. So the token sees 32 bytes a wrap whatever the
 * size, and the token's one key is used once a wrap with a random nonce: 2³² wraps are its bound (NIST SP 800-38D §8.3),
 * after which the root is to be rotated (docs/adr/0006).
 * @param id which of the roots in the token
 */
export function pkcs11RootKey(session: Session, { id, uri, random }: {
  readonly id: string
  readonly uri: Pkcs11Uri
  readonly random: Random
}): RootKey {
  const root = { id, use: <T>(act: (token: OpenToken) => Promise<T>): Promise<T> => session.use(id, act) }
  let isOpen = true
  return {
    wrap: (label, key) => wrap(root, random, label, key),
    unwrap: (label, wrapped) => unwrap(root, label, wrapped),
    describe: () => ({ name: `pkcs11 ${uri.token ?? uri.serial ?? ''}`, isProtected: true, id }),
    check: () => session.check(),
    attemptExport: () => root.use(attemptExport),
    close: async () => {
      if (!isOpen) return
      isOpen = false
      await session.release(id)
    },
  }
}

type TokenRoot = { readonly id: string; use<T>(act: (token: OpenToken) => Promise<T>): Promise<T> }

async function wrap(
  root: TokenRoot, random: Random, label: KeyLabel, key: Secret<Uint8Array>,
): Promise<Uint8Array> {
  key.expose(assertKeyLength)
  const head = wrapHead(wrapFormats.pkcs11, root.id)
  const context = wrapContext(head, label)
  const nonce = random.bytes(nonceBytes)
  const inner = random.bytes(innerKeyBytes)
  try {
    const sealed = await root.use((token) => encryptInToken(token, nonce, context, inner))
    const body = key.expose((bytes) => encryptKey({ key: inner, nonce: random.bytes(nonceBytes), context }, bytes))
    return Buffer.concat([head, nonce, sealed, body])
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('custodian/unavailable', 'the token does not encrypt', { cause })
  } finally {
    inner.fill(0)
  }
}

async function unwrap(root: TokenRoot, label: KeyLabel, wrapped: Uint8Array): Promise<Secret<Uint8Array>> {
  const isShaped = isWrappedBy(wrapped, wrapFormats.pkcs11, root.id)
    && wrapped.length > envelopeBytes + cipherOverheadBytes
  if (!isShaped) throw unusable(label)
  const context = wrapContext(wrapped.subarray(0, headBytes), label)
  const nonce = wrapped.subarray(headBytes, headBytes + nonceBytes)
  const sealed = wrapped.subarray(headBytes + nonceBytes, envelopeBytes)
  let inner: Uint8Array
  try {
    inner = await root.use((token) => decryptInToken(token, nonce, context, sealed))
  } catch (cause) {
    throw cause instanceof Fault ? cause : unusable(label, cause)
  }
  try {
    return decryptKey({ key: inner, context, label }, wrapped.subarray(envelopeBytes))
  } finally {
    inner.fill(0)
  }
}
