import type { KeyObject } from 'node:crypto'
import { proveMerchantKey, type MerchantKey, type ProvenMerchantKey } from '../signed-requests/merchant-key.ts'

/** A key as a table has it: nobody's word until its proof is held against it. */
export type MerchantKeyRow = MerchantKey & { readonly proof: Uint8Array; readonly isRevoked: boolean }

/**
 * The keys that a tenant can be encrypted to: those of use `encrypt` that the custodian stated for it and that no row says was revoked.
 * @param rows the newest first
 */
export function* encryptionKeys(rows: readonly MerchantKeyRow[], statementKey: KeyObject, nowMs: number): Generator<ProvenMerchantKey, void, void> {
  for (const row of rows) {
    if (row.isRevoked || !row.uses.includes('encrypt')) continue
    const key = proveMerchantKey(row, row.proof, statementKey, nowMs)
    if (key !== undefined) yield key
  }
}

/** The first of them. */
export function chooseEncryptionKey(rows: readonly MerchantKeyRow[], statementKey: KeyObject, nowMs: number): ProvenMerchantKey | undefined {
  const [first] = encryptionKeys(rows, statementKey, nowMs)
  return first
}
