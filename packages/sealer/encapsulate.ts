import { sha3_256 } from '@noble/hashes/sha3.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { ascii, concat, uint, type Bytes } from './bytes.ts'
import { KeyDerivation } from './key-derivation.ts'
import { suites, type SealerSuite } from './suites.ts'

export type Encapsulated = { readonly enc: Bytes; readonly shared: Bytes }

const { subtle } = crypto
const mlkemPublicKeyBytes = 1184
/** The last field of the combiner's input: `\.//^\`. */
const combinerLabel = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c)

/** Makes a secret that only the owner of the public key can make again from `enc`. */
export const encapsulate: Readonly<Record<SealerSuite, (publicKey: Bytes) => Promise<Encapsulated>>> = {
  /** draft-ietf-hpke-pq-05 §4. ML-KEM is a library's, since browsers have none yet; the rest is the platform's. */
  async hybrid(publicKey) {
    const own = publicKey.subarray(mlkemPublicKeyBytes)
    const ephemeral = await subtle.generateKey('X25519', true, ['deriveBits'])
    if ('algorithm' in ephemeral) throw new TypeError('a pair of one key')
    const share = await exported(ephemeral.publicKey)
    const recipient = await subtle.importKey('raw', own, { name: 'X25519' }, false, [])
    const x25519 = await agreed('X25519', ephemeral.privateKey, recipient)
    const mlkem = ml_kem768.encapsulate(publicKey.subarray(0, mlkemPublicKeyBytes))
    const input = concat(mlkem.sharedSecret, x25519, share, own, combinerLabel)
    const shared = Uint8Array.from(sha3_256(input))
    for (const secret of [mlkem.sharedSecret, x25519, input]) secret.fill(0)
    return { enc: concat(mlkem.cipherText, share), shared }
  },
  /** RFC 9180 §4.1. */
  async fips(publicKey) {
    const curve = { name: 'ECDH', namedCurve: 'P-256' } as const
    const ephemeral = await subtle.generateKey(curve, true, ['deriveBits'])
    const recipient = await subtle.importKey('raw', publicKey, curve, false, [])
    const [enc, dh] = await Promise.all([exported(ephemeral.publicKey), agreed('ECDH', ephemeral.privateKey, recipient)])
    const kdf = new KeyDerivation(concat(ascii('KEM'), uint(suites.fips.kemId, 2)))
    const prk = await kdf.extract('eae_prk', dh)
    dh.fill(0)
    return { enc, shared: await kdf.expand(prk, 'shared_secret', concat(enc, publicKey)) }
  },
}

async function exported(key: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await subtle.exportKey('raw', key))
}

/** Neither takes a point of small order or off the curve: the platform refuses both. */
async function agreed(name: 'X25519' | 'ECDH', own: CryptoKey, other: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await subtle.deriveBits({ name, public: other }, own, 256))
}
