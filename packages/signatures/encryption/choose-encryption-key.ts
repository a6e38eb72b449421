import type { KeyObject } from 'node:crypto'
import { proveMerchantKey, type MerchantKey, type ProvenMerchantKey } from '../signed-requests/merchant-key.ts'

/** A key as a table has it: nobody's word until its proof is held against it. */
export type MerchantKeyRow = MerchantKey & { readonly proof: Uint8Array; readonly isRevoked: boolean }

/**
 * The key that a tenant is encrypted to: of those of use `encrypt` that the custodian stated for it and nobody revoked, the first.
 * @param rows the newest first
 */
export function chooseEncryptionKey(
  rows: readonly MerchantKeyRow[], statementKey: KeyObject, nowMs: number,
): ProvenMerchantKey | undefined {
  for (const row of rows) {
    if (row.isRevoked || !row.uses.includes('encrypt')) continue
    const key = proveMerchantKey(row, row.proof, statementKey, nowMs)
    if (key !== undefined) return key
  }
  return undefined
}
