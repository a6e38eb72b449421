import { constants, createDecipheriv, generateKeyPairSync, privateDecrypt, type KeyObject } from 'node:crypto'

export type MerchantPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

/** An RSA pair as a merchant makes one. NIST SP 800-57, part 1, table 2: 128 bits of strength. */
export function newMerchantPair(): MerchantPair {
  return generateKeyPairSync('rsa', { modulusLength: 3_072 })
}

let stranger: MerchantPair | undefined

/** Made once: whose pair it is does not matter, as long as nobody added it. */
export function strangersPair(): MerchantPair {
  return stranger ??= newMerchantPair()
}

/** Opens a JWE (RFC 7516 §5.2) with other code than wrote it. @returns `undefined` where it does not open */
export function openJwe(jwe: string, key: KeyObject): string | undefined {
  const [header = '', ...parts] = jwe.split('.')
  const [wrapped = Buffer.of(), iv = Buffer.of(), ciphertext = Buffer.of(), tag = Buffer.of()] = parts.map((part) => Buffer.from(part, 'base64url'))
  try {
    const cek = privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, wrapped)
    const decipher = createDecipheriv('aes-256-gcm', cek, iv, { authTagLength: 16 }).setAAD(Buffer.from(header, 'latin1')).setAuthTag(tag)
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}
