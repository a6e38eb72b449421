import { createHash } from 'node:crypto'
import { equalsInConstantTime, type MerchantSigningKeyId, type Tenant } from '@ngome/kernel'
import type { Reading, Transaction } from '../store/store.ts'

/** What stands here of a merchant's key that was stated. */
export type SigningKeyRecord = { readonly tenant: Tenant; readonly sha256: Uint8Array; readonly isRevoked: boolean }

/** What a statement is known by: its signature stands for all that it says. @param proof the custodian's signature */
export function statementDigest(proof: Uint8Array): Uint8Array {
  return createHash('sha256').update(proof).digest()
}

/** @returns whether the id was free, or stands for this very statement: an id stands for one key for ever */
export async function insertSigningKey(transaction: Transaction, id: MerchantSigningKeyId, tenant: Tenant, proof: Uint8Array): Promise<boolean> {
  const sql = 'INSERT INTO merchant_signing_keys (key, merchant, world, sha256) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'
  if (await transaction.run(sql, id, tenant.merchant, tenant.world, statementDigest(proof)) > 0) return true
  const present = await findSigningKey(transaction, id)
  return present !== undefined && equalsInConstantTime(present.sha256, statementDigest(proof))
}

export async function findSigningKey(store: Reading, id: MerchantSigningKeyId): Promise<SigningKeyRecord | undefined> {
  const row = await store.get('SELECT merchant, world, sha256, revoked_at_ms FROM merchant_signing_keys WHERE key = ?', id)
  if (row === undefined) return undefined
  const tenant = { merchant: row['merchant'], world: row['world'] } as Tenant
  return { tenant, sha256: row['sha256'] as Uint8Array, isRevoked: row['revoked_at_ms'] !== null }
}

/** Revokes a key of this tenant; one that was revoked stays as it was. */
export async function revokeSigningKey(transaction: Transaction, id: MerchantSigningKeyId, tenant: Tenant, atMs: number): Promise<void> {
  await transaction.run(
    'UPDATE merchant_signing_keys SET revoked_at_ms = ? WHERE key = ? AND merchant = ? AND world = ? AND revoked_at_ms IS NULL',
    atMs, id, tenant.merchant, tenant.world,
  )
}
