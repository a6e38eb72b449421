import {
  constants, createDecipheriv, createPrivateKey, createPublicKey, generateKeyPairSync, privateDecrypt, type KeyObject,
} from 'node:crypto'
import type { PrivateKeys } from './books.ts'
import type { PinScheme } from './countries.ts'

/** The pairs whose public halves the simulator publishes. */
export type Keys = { readonly messages: KeyObject; readonly pins: Readonly<Record<PinScheme, KeyObject>>; readonly stranger: KeyObject }

export function makePrivateKeys(): PrivateKeys {
  const pem = (modulusLength: number): string =>
    generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ format: 'pem', type: 'pkcs8' })
  // 1024 bits are what some countries still ask for; nothing of value is behind this one.
  return { messages: pem(2048), pinOaep: pem(2048), pinPkcs1: pem(1024) }
}

export function keysOf({ messages, pinOaep, pinPkcs1 }: PrivateKeys): Keys {
  const pins = { 'rsa-oaep-sha256': createPrivateKey(pinOaep), 'rsa-pkcs1': createPrivateKey(pinPkcs1) }
  return { messages: createPrivateKey(messages), pins, stranger: pins['rsa-oaep-sha256'] }
}

/** As the portal and the key call show it: base64 of DER, SubjectPublicKeyInfo. */
export function shownKey(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64')
}

/** Opens `x-key` and `x-signature` and compares what was signed with the bytes that came. */
export function isSignedMessage(keys: Keys, body: Buffer, xKey: string | undefined, xSignature: string | undefined): boolean {
  if (xKey === undefined || xSignature === undefined) return false
  try {
    const opened = privateDecrypt({ key: keys.messages, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(xKey, 'base64')).toString('latin1')
    const [key, iv, ...rest] = opened.split(':').map((part) => Buffer.from(part, 'base64'))
    if (key?.length !== 32 || iv?.length !== 16 || rest.length > 0) return false
    const decipher = createDecipheriv('aes-256-cbc', key, iv)
    return Buffer.concat([decipher.update(Buffer.from(xSignature, 'base64')), decipher.final()]).equals(body)
  } catch {
    // Whatever does not open was not made with our key.
    return false
  }
}

/** @returns the PIN, or `undefined` where what came is not one for our key */
export function openPin(keys: Keys, scheme: PinScheme, text: string): string | undefined {
  const key = keys.pins[scheme]
  const padding = scheme === 'rsa-pkcs1'
    ? { padding: constants.RSA_PKCS1_PADDING }
    : { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  try {
    const pin = privateDecrypt({ key, ...padding }, Buffer.from(text, 'base64')).toString('latin1')
    return /^[0-9]{4,8}$/.test(pin) ? pin : undefined
  } catch {
    return undefined
  }
}
