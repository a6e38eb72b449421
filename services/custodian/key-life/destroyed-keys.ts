import type { MerchantKeyId } from '@ngome/kernel'
import { allOfRows } from '../store/run-rows.ts'
import type { Transaction } from '../store/store.ts'

/**
 * Which of these merchant keys are destroyed. Asked in the transaction of an opening: destructions and openings come one
 * after the other, whichever custodian carries them out, so that nothing opens after a destruction, whatever is cached.
 */
export async function findDestroyedKeys(transaction: Transaction, ids: readonly MerchantKeyId[]): Promise<ReadonlySet<string>> {
  const rows = await allOfRows(
    transaction, [`SELECT name FROM key_lives WHERE state = 'destroyed' AND (purpose, name) IN (VALUES `, ')'],
    [...new Set(ids)].map((id) => ['merchant', id]),
  )
  return new Set(rows.map((row) => String(row['name'])))
}
