import {
  createCipheriv, createDecipheriv, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, type KeyObject,
} from 'node:crypto'
import { parseBase64Url, toBase64Url, wipeableBytes } from '@ngome/kernel'

/** A key pair of X25519 for one conversation, and its public half as text. */
export type BoxKey = { readonly privateKey: KeyObject; readonly publicText: string }

const publicBytes = 32
const tagBytes = 16
/** Each box has a key of its own, so that its nonce may be the same. */
const nonce = new Uint8Array(12)

/**
 * Seals what crosses a socket and must not lie in the buffers on its way, which nobody wipes: an ephemeral X25519 key,
 * HKDF-SHA-256 over the shared secret with both public keys as salt, AES-256-GCM. It proves nothing of who sealed.
 */
export function newBoxKey(): BoxKey {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  return { privateKey, publicText: String(publicKey.export({ format: 'jwk' })['x']) }
}

/** @returns base64url of public key, ciphertext and tag. @throws TypeError where `to` is no public key */
export function sealInBox(to: string, bytes: Uint8Array): string {
  const own = newBoxKey()
  const from = Buffer.from(own.publicText, 'base64url')
  return withBoxKey(own.privateKey, publicKeyOf(to), Buffer.concat([from, Buffer.from(to, 'base64url')]), (key) => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
    return toBase64Url(Buffer.concat([from, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]))
  })
}

/** @returns the bytes, which are the caller's to wipe, or `undefined` where it is no box for this key */
export function openBox({ privateKey, publicText }: BoxKey, sealed: string): Uint8Array | undefined {
  const box = parseBase64Url(sealed)
  if (box === undefined || box.length <= publicBytes + tagBytes) return undefined
  const from = box.subarray(0, publicBytes)
  const salt = Buffer.concat([from, Buffer.from(publicText, 'base64url')])
  try {
    return withBoxKey(privateKey, publicKeyOf(toBase64Url(from)), salt, (key) => {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      decipher.setAuthTag(box.subarray(-tagBytes))
      const opened = decipher.update(box.subarray(publicBytes, -tagBytes))
      const own = wipeableBytes(opened.length)
      own.set(opened)
      opened.fill(0)
      return finalOrWiped(decipher, own)
    })
  } catch {
    // A point of low order, and a box that was changed: no box for this key.
    return undefined
  }
}

function finalOrWiped(decipher: { final(): unknown }, own: Uint8Array): Uint8Array {
  try {
    decipher.final()
    return own
  } catch (cause) {
    own.fill(0)
    throw cause
  }
}

function publicKeyOf(text: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: text }, format: 'jwk' })
}

function withBoxKey<T>(privateKey: KeyObject, publicKey: KeyObject, salt: Uint8Array, use: (key: Uint8Array) => T): T {
  const shared = diffieHellman({ privateKey, publicKey })
  const key = new Uint8Array(hkdfSync('sha256', shared, salt, 'ngome/ceremony-box/v1', 32))
  try {
    return use(key)
  } finally {
    shared.fill(0)
    key.fill(0)
  }
}
