import { createDecipheriv } from 'node:crypto'
import { Fault, type Secret } from '@ngome/kernel'
import { cipherKeyBytes, tagBytes, valueLengthBytes } from './format.ts'
import { nonce } from './nonce.ts'
import type { ClientSealed } from './parse-client-sealed.ts'


/**
 * Opens what a client sealed with the key that the custodian derived for it.
 * @returns the value in UTF-8, as its client wrote it: nobody has looked at it yet
 * @throws Fault `envelope/open_refused`, the same whatever was wrong
 */
export function openClientSealed(key: Secret<Uint8Array>, { header, ciphertext }: ClientSealed): Uint8Array {
  const plaintext = decrypt(key, header, ciphertext)
  const length = plaintext.readUInt16BE()
  const isWhole = length > 0 && length <= plaintext.length - valueLengthBytes &&
    plaintext.subarray(valueLengthBytes + length).every((byte) => byte === 0)
  if (isWhole) return plaintext.subarray(valueLengthBytes, valueLengthBytes + length)
  plaintext.fill(0)
  throw refused()
}

function decrypt(key: Secret<Uint8Array>, header: Uint8Array, ciphertext: Uint8Array): Buffer {
  return key.expose((bytes) => {
    if (bytes.length !== cipherKeyBytes) throw refused()
    const decipher = createDecipheriv('aes-256-gcm', bytes, nonce, { authTagLength: tagBytes }).setAAD(header)
    decipher.setAuthTag(ciphertext.subarray(-tagBytes))
    const plaintext = decipher.update(ciphertext.subarray(0, -tagBytes))
    try {
      decipher.final()
      return plaintext
    } catch {
      plaintext.fill(0)
      throw refused()
    }
  })
}

function refused(): Fault {
  return new Fault('envelope/open_refused', 'a value that a client sealed did not open')
}
