import { hash } from 'node:crypto'
import type { InnerOpening } from '@ngome/contracts'
import { deriveClientSealedKey, type SealedDataKey } from '@ngome/envelope'
import { parseBase64Url, toBase64Url, type Tenant } from '@ngome/kernel'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { findLife } from '../key-life/key-life.ts'
import { findMerchantKey, merchantKeyLabel } from '../merchants/merchant-keys.ts'
import { tenantName } from '../merchants/tenants.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'

/** A gateway's data key lives this long at most; what it sealed was accepted within that time. */
const dataKeyLifeMsMax = 3_600_000
/** So much of a hash tells one encapsulated secret from another in the log. */
const namedBytes = 16

/** How the log names what a client sealed, so that it tells which value's key left. */
export function innerName({ merchantKey, enc }: InnerOpening): string {
  return `inner ${merchantKey} ${toBase64Url(hash('sha256', enc, 'buffer').subarray(0, namedBytes))}`
}

/**
 * Derives the key of what a client sealed within a record: for a merchant key of that record's own tenant and class, in its
 * time. What was sealed is not shown to us.
 * @throws Refusal `custodian/refused`
 */
export async function deriveInnerKey(
  custodian: Custodian, inner: InnerOpening, record: { readonly tenant: Tenant; readonly dataKey: SealedDataKey },
): Promise<Uint8Array> {
  const { store, root } = custodian
  const key = await findMerchantKey(custodian, inner.merchantKey)
  if (key === undefined) throw new Refusal('merchant_key_unknown', inner.merchantKey)
  const life = await findLife(store, merchantKeyLabel(key.keyId))
  if (life?.state === 'destroyed') throw new Refusal('merchant_key_destroyed', inner.merchantKey)
  const { createdAtMs, retention } = record.dataKey
  // Taken while the gateway held this data key: a key that had ended by then, or began later, is somebody's old or made-up value.
  const isInTime = createdAtMs < key.notAfterMs && createdAtMs + dataKeyLifeMsMax > key.notBeforeMs
  if (tenantName(key.tenant) !== tenantName(record.tenant) || key.retention !== retention || !isInTime) {
    throw new Refusal('inner_misplaced', inner.merchantKey)
  }
  const enc = parseBase64Url(inner.enc)
  if (enc === undefined) throw new Refusal('inner_unopenable', inner.merchantKey)
  const privateKey = await unwrapKey({ store, root }, merchantKeyLabel(key.keyId))
  try {
    return await deriveClientSealedKey({ key, type: inner.type, enc, privateKey })
  } catch (cause) {
    throw new Refusal('inner_unopenable', inner.merchantKey, { cause })
  } finally {
    privateKey.expose((bytes) => bytes.fill(0))
  }
}
