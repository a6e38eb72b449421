import type { Tenant } from '@ngome/kernel'
import type { ProvenRequest } from '../signing-keys/prove-signed-request.ts'
import type { Transaction } from '../store/store.ts'

/** Longer than a signature can be of now, so that a clock that was set wrong by hours opens nothing. */
const nonceKeptMs = 86_400_000
/** Keys that a merchant makes itself in 24 hours: a new one for each of its servers, twice. */
export const ownKeysPerDayMax = 100

/**
 * Spends the nonce of a request, in the transaction of what it makes.
 * @returns `seen` where it was spent before, `too_many` where this tenant made as many keys as it may within 24 hours
 */
export async function spendNonce(
  transaction: Transaction, tenant: Tenant, { signedBy, nonce, createdMs }: Pick<ProvenRequest, 'signedBy' | 'nonce' | 'createdMs'>, nowMs: number,
): Promise<'spent' | 'seen' | 'too_many'> {
  const { merchant, world } = tenant
  await transaction.run('DELETE FROM own_key_nonces WHERE merchant = ? AND world = ? AND created_ms < ?', merchant, world, nowMs - nonceKeptMs)
  const sql = 'INSERT INTO own_key_nonces (signing_key, nonce, created_ms, merchant, world) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'
  if (await transaction.run(sql, signedBy, nonce, createdMs, merchant, world) === 0) return 'seen'
  const row = await transaction.get('SELECT count(*) AS count FROM own_key_nonces WHERE merchant = ? AND world = ?', merchant, world)
  return Number(row?.['count']) > ownKeysPerDayMax ? 'too_many' : 'spent'
}
