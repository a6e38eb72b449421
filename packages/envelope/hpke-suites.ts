import {
  AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_P256_HKDF_SHA256, KEM_MLKEM768_X25519,
} from 'hpke'
import { dataKeyFormat } from './format.ts'
import type { SuiteName } from './suites.ts'

/** What each suite's row names, as code. */
export const hpkeSuites: Readonly<Record<SuiteName, CipherSuite>> = {
  hybrid: new CipherSuite(KEM_MLKEM768_X25519, KDF_HKDF_SHA256, AEAD_AES_256_GCM),
  fips: new CipherSuite(KEM_DHKEM_P256_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM),
}

/** HPKE's `info`: what is sealed to a merchant key here cannot be taken for anything else that HPKE might seal to it. */
export const hpkeInfo: Uint8Array = Buffer.from(dataKeyFormat, 'latin1')
