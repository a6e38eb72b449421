import { Fault, type Clock, type Random, type Secret } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import type { KeyLabel, RootKey } from '../root-key.ts'
import {
  assertKeyLength, cipherOverheadBytes, decryptKey, encryptKey, isWrappedBy, rootIdBytes, unusable, wrapContext, wrapFormats,
  wrapHead,
} from '../wrapped-key.ts'
import { attemptExport } from './attempt-export.ts'
import type { LoadCryptoki } from './cryptoki.ts'
import { loadCryptoki } from './load-cryptoki.ts'
import { PinGuard } from './pin-guard.ts'
import { decryptInToken, encryptInToken } from './token-cipher.ts'
import { TokenConnection } from './token-connection.ts'

const innerKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const headBytes = 1 + rootIdBytes
/** Head, nonce, the inner key under the token's key, tag. */
const envelopeBytes = headBytes + nonceBytes + innerKeyBytes + tagBytes

/**
 * A root key that was made in a PKCS#11 token and never leaves it. What it wraps is an envelope: a fresh AES-256 key,
 * encrypted in the token, and under that key, here, the wrapped key. So the token sees 32 bytes a wrap whatever the
 * size, and the token's one key is used once a wrap with a random nonce: 2³² wraps are its bound (NIST SP 800-38D §8.3),
 * after which the root is to be rotated (docs/adr/0006).
 * @param folder the custodian's own, for the memory of a refused PIN
 * @param mayCreate only on first run: a new key beside a store that needs another would hide that the right one is away
 * @throws Fault `custodian/unavailable` where the token is away, `custodian/start_refused` where module, PIN or key are
 * not as they must be
 */
export async function pkcs11RootKey({ uri, folder, mayCreate, random, clock, load = loadCryptoki, answerMs }: {
  readonly uri: Pkcs11Uri
  readonly folder: string
  readonly mayCreate: boolean
  readonly random: Random
  readonly clock: Clock
  readonly load?: LoadCryptoki
  readonly answerMs?: number
}): Promise<RootKey> {
  const connection = await TokenConnection.open({
    cryptoki: await load(uri.modulePath), uri, random, clock, pins: new PinGuard({ folder, pinPath: uri.pinSource, random }),
    ...(answerMs === undefined ? {} : { answerMs }),
  }, mayCreate)
  const id = connection.rootId
  return {
    wrap: (label, key) => wrap(connection, random, label, key),
    unwrap: (label, wrapped) => unwrap(connection, label, wrapped),
    describe: () => ({ name: `pkcs11 ${uri.token ?? uri.serial ?? ''}`, isProtected: true, id }),
    check: () => connection.check(),
    attemptExport: () => connection.use(attemptExport),
    close: () => connection.close(),
  }
}

async function wrap(
  connection: TokenConnection, random: Random, label: KeyLabel, key: Secret<Uint8Array>,
): Promise<Uint8Array> {
  key.expose(assertKeyLength)
  const head = wrapHead(wrapFormats.pkcs11, connection.rootId)
  const context = wrapContext(head, label)
  const nonce = random.bytes(nonceBytes)
  const inner = random.bytes(innerKeyBytes)
  try {
    const sealed = await connection.use((token) => encryptInToken(token, nonce, context, inner))
    const body = key.expose((bytes) => encryptKey({ key: inner, nonce: random.bytes(nonceBytes), context }, bytes))
    return Buffer.concat([head, nonce, sealed, body])
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('custodian/unavailable', 'the token does not encrypt', { cause })
  } finally {
    inner.fill(0)
  }
}

async function unwrap(connection: TokenConnection, label: KeyLabel, wrapped: Uint8Array): Promise<Secret<Uint8Array>> {
  const isShaped = isWrappedBy(wrapped, wrapFormats.pkcs11, connection.rootId)
    && wrapped.length > envelopeBytes + cipherOverheadBytes
  if (!isShaped) throw unusable(label)
  const context = wrapContext(wrapped.subarray(0, headBytes), label)
  const nonce = wrapped.subarray(headBytes, headBytes + nonceBytes)
  const sealed = wrapped.subarray(headBytes + nonceBytes, envelopeBytes)
  let inner: Uint8Array
  try {
    inner = await connection.use((token) => decryptInToken(token, nonce, context, sealed))
  } catch (cause) {
    throw cause instanceof Fault ? cause : unusable(label, cause)
  }
  try {
    return decryptKey({ key: inner, context, label }, wrapped.subarray(envelopeBytes))
  } finally {
    inner.fill(0)
  }
}
