import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { Fault, lengthPrefixed, newId, type Clock, type Random, type SignerId } from '@ngome/kernel'
import type { DataKey } from './data-key.ts'
import { isSignedEd25519, signEd25519 } from './ed25519.ts'
import { dataKeyBytes, dataKeyFormat } from './format.ts'
import { hpkeInfo, hpkeSuites } from './hpke-suites.ts'
import { isSealedFor } from './is-sealed-for.ts'
import { parseSealedDataKey } from './parse-sealed-data-key.ts'
import { isVerifiedStatement, type VerifiedStatement } from './statement.ts'
import { assertSeals, suites } from './suites.ts'

/**
 * Makes a data key, seals it to the merchant key of a checked statement and signs it.
 * @throws Fault `envelope/statement_refused` where now is outside the statement's dates
 */
export async function makeDataKey({ statement, signer, clock, random }: {
  readonly statement: VerifiedStatement
  /** Who seals: the custodian opens only what a gateway that it enrolled has signed. */
  readonly signer: { readonly id: SignerId; readonly privateKey: KeyObject }
  readonly clock: Clock
  readonly random: Random
}): Promise<DataKey> {
  if (!isVerifiedStatement(statement)) throw new TypeError('a statement that was not verified')
  const createdAtMs = clock.nowMs()
  if (createdAtMs < statement.notBeforeMs || createdAtMs >= statement.notAfterMs) {
    throw new Fault('envelope/statement_refused', `merchant key ${statement.keyId} is not valid now`)
  }
  const id = newId('dataKey', { clock, random })
  const { suite, tenant, retention, period, keyId } = statement
  assertSeals(suites[suite])
  const header = lengthPrefixed(
    dataKeyFormat, suites[suite].label, id, tenant.merchant, tenant.world, retention, period, createdAtMs, keyId,
    signer.id,
  )
  const bytes = random.bytes(dataKeyBytes)
  if (bytes.length !== dataKeyBytes) throw new RangeError('a source that gave another number of bytes')
  try {
    const hpke = hpkeSuites[suite]
    const recipient = await hpke.DeserializePublicKey(statement.publicKey)
    const { encapsulatedSecret, ciphertext } = await hpke.Seal(recipient, bytes, { info: hpkeInfo, aad: header })
    const signed = Buffer.concat([header, encapsulatedSecret, ciphertext])
    const sealed = Buffer.concat([signed, signEd25519(signed, signer.privateKey)])
    assertReadable(sealed, statement, signer)
    return { id, suite, sealed, key: createSecretKey(bytes), tenant, retention, createdAtMs }
  } finally {
    bytes.fill(0)
  }
}

/** Reads back what was written, by the reader's code: a key that could not be opened must never seal a record. */
function assertReadable(
  sealed: Uint8Array, statement: VerifiedStatement, signer: { readonly id: SignerId; readonly privateKey: KeyObject },
): void {
  const parts = parseSealedDataKey(sealed)
  const isReadable = parts !== undefined && parts.signerId === signer.id && isSealedFor(parts, statement) &&
    isSignedEd25519(parts.signed, parts.signature, createPublicKey(signer.privateKey))
  if (!isReadable) throw new TypeError('a data key that nobody could open')
}
