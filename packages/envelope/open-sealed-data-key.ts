import { createSecretKey, type KeyObject } from 'node:crypto'
import { Fault, type Secret } from '@ngome/kernel'
import { isSignedEd25519 } from './ed25519.ts'
import { dataKeyBytes } from './format.ts'
import { hpkeInfo, hpkeSuites } from './hpke-suites.ts'
import { parseSealedDataKey, type SealedDataKey } from './parse-sealed-data-key.ts'
import type { SuiteName } from './suites.ts'

/**
 * Opens a sealed data key, after its signature: HPKE's base mode takes a ciphertext from anybody, the signature says
 * that a gateway made it.
 * @throws Fault `envelope/open_refused`, the same whatever was wrong
 */
export async function openSealedDataKey({ sealed, suite, privateKey, signerPublicKey }: {
  readonly sealed: Uint8Array
  /** Of the merchant key, as its owner recorded it: what the header says is compared with it and never followed. */
  readonly suite: SuiteName
  readonly privateKey: Secret<Uint8Array>
  /** Of the signer that the header names, as the custodian enrolled it. */
  readonly signerPublicKey: KeyObject
}): Promise<KeyObject> {
  const parts = parseSealedDataKey(sealed)
  if (parts?.suite !== suite || !isSignedEd25519(parts.signed, parts.signature, signerPublicKey)) throw refused()
  let bytes: Uint8Array
  try {
    bytes = await privateKey.expose((key) => unwrap(suite, key, parts))
  } catch {
    throw refused()
  }
  try {
    if (bytes.length !== dataKeyBytes) throw refused()
    return createSecretKey(bytes)
  } finally {
    bytes.fill(0)
  }
}

async function unwrap(
  suite: SuiteName, privateKey: Uint8Array, { enc, wrapped, header }: SealedDataKey,
): Promise<Uint8Array> {
  const hpke = hpkeSuites[suite]
  const recipient = await hpke.DeserializePrivateKey(privateKey)
  return hpke.Open(recipient, enc, wrapped, { info: hpkeInfo, aad: header })
}

function refused(): Fault {
  return new Fault('envelope/open_refused', 'a sealed data key did not open')
}
