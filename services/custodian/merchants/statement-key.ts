import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Secret } from '@ngome/kernel'

/** The Ed25519 key with which the custodian signs what others must be able to check without it. */
export type StatementKey = {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** @returns a new private key, PKCS #8 DER, to wrap */
export function makeStatementKey(): Secret<Uint8Array> {
  const { privateKey } = generateKeyPairSync('ed25519')
  return new Secret(new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })))
}

export function loadStatementKey(pkcs8: Secret<Uint8Array>): StatementKey {
  const privateKey = pkcs8.expose((bytes) => (
    createPrivateKey({ key: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), format: 'der', type: 'pkcs8' })
  ))
  return { privateKey, publicKey: createPublicKey(privateKey) }
}
