import type { ApiKeyId, MerchantId } from '@ngome/kernel'
import type pg from 'pg'
import { guarded } from '../store-fault.ts'
import type { RevocationKind } from '../tables.ts'

export type Revocation = {
  readonly sequence: bigint
  readonly kind: RevocationKind
  readonly merchant: MerchantId
  readonly apiKey: ApiKeyId | null
}
export type Revocations = {
  /** The counter now: what to pass as `after` the next time. */
  readonly counter: bigint
  /** What changed after `after`, in order. */
  readonly revocations: readonly Revocation[]
}

/**
 * Reads what was revoked since, in one statement. The gateway calls it every 100 ms on a connection of its own, to the
 * writable primary; that it answered is the lease for what the gateway remembers.
 * @param after the counter of the last reading, or `null` to learn the counter only, as one who remembers nothing may
 * @param client a client that does nothing else, or a pool
 * @throws Fault `store/unavailable`, after which the gateway must not trust what it remembers once the lease is over
 */
export async function readRevocations(client: Pick<pg.Pool, 'query'>, after: bigint | null): Promise<Revocations> {
  const { rows } = await guarded(() => client.query<{
    value: string | bigint
    sequence: string | bigint | null
    kind: RevocationKind
    merchant: MerchantId
    api_key: ApiKeyId | null
    is_standby: boolean
  }>({
    name: 'read_revocations',
    text: `SELECT c.value, r.sequence, r.kind, r.merchant, r.api_key, pg_is_in_recovery() AS is_standby
      FROM ngome.revocation_counter c LEFT JOIN ngome.revocations r ON r.sequence > $1 ORDER BY r.sequence`,
    values: [after],
  }))
  const first = rows[0]
  if (first === undefined || first.is_standby) throw new TypeError('revocations are read from the primary')
  return {
    counter: BigInt(first.value),
    revocations: rows.flatMap((row) => row.sequence === null
      ? []
      : [{ sequence: BigInt(row.sequence), kind: row.kind, merchant: row.merchant, apiKey: row.api_key }]),
  }
}
