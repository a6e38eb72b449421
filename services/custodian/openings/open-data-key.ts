import type { KeyObject } from 'node:crypto'
import { isSealedFor, openSealedDataKey, type SealedDataKey } from '@ngome/envelope'
import { parsePublicKeyText } from '@ngome/runtime'
import { clockSkewMs } from '../authority/authority.ts'
import { findSigner } from '../authority/signers.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { findLife } from '../key-life/key-life.ts'
import { findMerchantKey, merchantKeyLabel } from '../merchants/merchant-keys.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'
import { wasSeenBefore } from './seen-data-keys.ts'

/**
 * Opens a sealed data key: a gateway that we enrolled signed it, in its time, for a merchant key of ours, in that key's
 * time. The key stays in this process.
 * @throws Refusal `custodian/refused`
 */
export async function openDataKey(custodian: Custodian, sealed: Uint8Array, parts: SealedDataKey): Promise<KeyObject> {
  const { store, root, rowTagKey } = custodian
  const signer = await findSigner(store, rowTagKey, parts.signerId)
  const signerPublicKey = signer === undefined ? undefined : parsePublicKeyText(signer.publicKey)
  if (signer === undefined || signerPublicKey === undefined) throw new Refusal('signer_unknown', parts.signerId)
  if (parts.createdAtMs < signer.createdAtMs - clockSkewMs || parts.createdAtMs >= signer.untilMs) {
    throw new Refusal('signer_not_valid_then', parts.signerId)
  }
  const { revoked } = signer
  const isDoubted = revoked !== null && parts.createdAtMs >= revoked.trustedBeforeMs
  if (isDoubted && !await wasSeenBefore(store, sealed, revoked.atMs)) throw new Refusal('signer_revoked', parts.signerId)
  const merchantKey = await findMerchantKey(custodian, parts.merchantKeyId)
  if (merchantKey === undefined) throw new Refusal('merchant_key_unknown', parts.merchantKeyId)
  const life = await findLife(store, merchantKeyLabel(parts.merchantKeyId))
  if (life?.state === 'destroyed') throw new Refusal('merchant_key_destroyed', parts.merchantKeyId)
  if (!isSealedFor(parts, merchantKey)) throw new Refusal('data_key_misplaced', parts.id)
  const privateKey = await unwrapKey({ store, root }, merchantKeyLabel(parts.merchantKeyId))
  try {
    // The suite is our own row's, which we signed; that the data key says the same was compared, never asked.
    return await openSealedDataKey({ sealed, suite: merchantKey.suite, privateKey, signerPublicKey })
  } catch (cause) {
    throw new Refusal('data_key_unopenable', parts.id, { cause })
  } finally {
    privateKey.expose((bytes) => bytes.fill(0))
  }
}
