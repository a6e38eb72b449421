import type { ApiKeyId, MerchantId } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import type { RevocationKind, Tables } from '../tables.ts'

/** Counts a revocation, in the transaction that revokes. The counter's row lock puts all revocations in one order. */
export async function countRevocation(
  tx: Transaction<Tables>,
  revocation: {
    readonly kind: RevocationKind
    readonly merchant: MerchantId
    readonly apiKey: ApiKeyId | null
    readonly atMs: number
  },
): Promise<void> {
  const { value } = await tx.updateTable('revocation_counter')
    .set({ value: sql<bigint>`value + 1` })
    .returning('value')
    .executeTakeFirstOrThrow()
  await tx.insertInto('revocations').values({
    sequence: value,
    kind: revocation.kind,
    merchant: revocation.merchant,
    api_key: revocation.apiKey,
    at: new Date(revocation.atMs),
  }).execute()
}
