import { concat, fromUtf8, parseBase64Url, utf8, type Bytes } from './bytes.ts'
import { DecryptionError } from './errors.ts'
import { importPrivateKey, type PrivateKey } from './private-key.ts'

/** A compact JWE that is longer is none of ours: what is encrypted to merchants is below 100 KiB. */
const lengthMax = 262_144
const headerLengthMax = 1_024
const ivBytes = 12
const tagBytes = 16
const keyBytes = 32
/** RSA of 2048 to 8192 bits. */
const encryptedKeyBytesMin = 256
const encryptedKeyBytesMax = 1_024
/** Fields that change nothing about how it is read; any other, `zip` and `crit` among them, is refused. */
const harmless: ReadonlySet<string> = new Set(['alg', 'enc', 'kid', 'typ', 'cty'])

/**
 * Decrypts what the platform encrypted to the merchant (RFC 7516 §5.2, compact): RSA-OAEP-256 with A256GCM, nothing else.
 * @param privateKey RSA: PKCS #8 in PEM, or a `CryptoKey` that may decrypt
 * @throws DecryptionError the same, whatever was wrong
 * @throws ConfigurationError where the key is no RSA key
 */
export async function decryptJwe(compact: string, privateKey: PrivateKey): Promise<Uint8Array> {
  const key = await importPrivateKey(privateKey, { algorithm: { name: 'RSA-OAEP', hash: 'SHA-256' }, usage: 'decrypt' })
  const parts = typeof compact === 'string' && compact.length <= lengthMax ? partsOf(compact) : undefined
  if (parts === undefined) throw refused()
  const contentKey = await unwrap(parts.encryptedKey, key)
  try {
    const cipher = { name: 'AES-GCM', iv: parts.iv, additionalData: utf8(parts.header), tagLength: tagBytes * 8 }
    return new Uint8Array(await crypto.subtle.decrypt(cipher, contentKey, concat(parts.ciphertext, parts.tag)))
  } catch {
    throw refused()
  }
}

type Parts = { readonly header: string; readonly encryptedKey: Bytes; readonly iv: Bytes; readonly ciphertext: Bytes; readonly tag: Bytes }

function partsOf(compact: string): Parts | undefined {
  const [header = '', ...rest] = compact.split('.')
  const [encryptedKey, iv, ciphertext, tag] = rest.length === 4 ? rest.map(parseBase64Url) : []
  if (encryptedKey === undefined || iv === undefined || ciphertext === undefined || tag === undefined || !isOurs(header)) return undefined
  if (encryptedKey.length < encryptedKeyBytesMin || encryptedKey.length > encryptedKeyBytesMax) return undefined
  return iv.length === ivBytes && tag.length === tagBytes ? { header, encryptedKey, iv, ciphertext, tag } : undefined
}

function isOurs(encoded: string): boolean {
  const bytes = encoded.length <= headerLengthMax ? parseBase64Url(encoded) : undefined
  if (bytes === undefined) return false
  try {
    const header = JSON.parse(fromUtf8(bytes)) as Readonly<Record<string, unknown>> | null
    if (typeof header !== 'object' || header === null) return false
    const { alg, enc } = header
    return alg === 'RSA-OAEP-256' && enc === 'A256GCM' && Object.keys(header).every((name) => harmless.has(name))
  } catch {
    return false
  }
}

/** RFC 7516 §11.5: a key that does not unwrap is replaced by another, so that the two failures are one. */
async function unwrap(encryptedKey: Bytes, privateKey: CryptoKey): Promise<CryptoKey> {
  const other = await crypto.subtle.generateKey({ name: 'AES-GCM', length: keyBytes * 8 }, false, ['decrypt'])
  try {
    const raw = await crypto.subtle.decrypt({ name: 'RSA-OAEP' }, privateKey, encryptedKey)
    return raw.byteLength === keyBytes ? await crypto.subtle.importKey('raw', raw, { name: 'AES-GCM' }, false, ['decrypt']) : other
  } catch {
    return other
  }
}

function refused(): DecryptionError {
  return new DecryptionError({ code: 'sdk/decryption_refused', message: 'this is not a message that was encrypted to this key' })
}
