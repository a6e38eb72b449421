import { constants, publicEncrypt, type KeyObject } from 'node:crypto'
import { Fault, type Secret } from '@ngome/kernel'
import { parseRsaKey } from './parse-rsa-key.ts'

/** What a country's Airtel Money takes a PIN in. */
export const pinSchemes = ['rsa-oaep-sha256', 'rsa-pkcs1'] as const
export type PinScheme = (typeof pinSchemes)[number]

/** The old scheme has keys of 1024 bits: whoever breaks one still needs the token and our address to spend a PIN. */
const bitsMin: Readonly<Record<PinScheme, number>> = { 'rsa-oaep-sha256': 2048, 'rsa-pkcs1': 1024 }

/**
 * Reads the key that the portal shows for PINs.
 * @throws Fault `config/invalid` without quoting it
 */
export function pinKeyOf(shown: Secret<string>, scheme: PinScheme): KeyObject {
  const key = shown.expose((text) => parseRsaKey(text, bitsMin[scheme]))
  if (key === undefined) throw new Fault('config/invalid', `the PIN's key must be an RSA key of ${bitsMin[scheme]} bits or more, base64 of DER`)
  return key
}

/** @returns base64; another text each time, so that equal PINs do not show */
export function encryptPin(pin: Secret<string>, key: KeyObject, scheme: PinScheme): string {
  const padding = scheme === 'rsa-pkcs1'
    ? { padding: constants.RSA_PKCS1_PADDING }
    : { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const opened = pin.expose((digits) => Buffer.from(digits, 'latin1'))
  try {
    return publicEncrypt({ key, ...padding }, opened).toString('base64')
  } finally {
    opened.fill(0)
  }
}
