import { constants, createCipheriv, publicEncrypt, type KeyObject } from 'node:crypto'
import type { Random } from '@ngome/kernel'

/** Of AES-256 in CBC mode. */
const keyBytes = 32
const ivBytes = 16

/**
 * What Airtel calls a signature: the body's bytes under a fresh AES key, and that key under Airtel's RSA key. It proves to
 * Airtel that the body was not changed after it was encrypted, and nothing about who sent it; that is what the token is for.
 * The scheme is theirs (RSAES-PKCS1-v1_5, RFC 8017 §7.2; AES-256-CBC with PKCS #7 padding).
 */
export function signMessage(body: Uint8Array, key: KeyObject, random: Random): { readonly 'x-signature': string; readonly 'x-key': string } {
  const secret = Buffer.from(random.bytes(keyBytes))
  const iv = Buffer.from(random.bytes(ivBytes))
  const opened = Buffer.from(`${secret.toString('base64')}:${iv.toString('base64')}`, 'latin1')
  try {
    const cipher = createCipheriv('aes-256-cbc', secret, iv)
    const signature = Buffer.concat([cipher.update(body), cipher.final()]).toString('base64')
    const sealed = publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, opened)
    return { 'x-signature': signature, 'x-key': sealed.toString('base64') }
  } finally {
    secret.fill(0)
    opened.fill(0)
  }
}
