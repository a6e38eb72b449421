import type { Money, PayoutBatchId, Tenant } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

export type PartWord = {
  readonly batch: PayoutBatchId
  readonly number: number
  /** `partDigest` of the body, 32 bytes. */
  readonly digest: Uint8Array
  /** How many rows the body has, and what they come to. */
  readonly count: number
  readonly total: Money
  readonly atMs: number
}

/** `other`: another body was counted for it. `batchCount`, `batchMinor`: what the parts of its batch that were counted come to, in its currency. */
export type PartClaim = { readonly kind: 'claimed'; readonly batchCount: number; readonly batchMinor: bigint } | { readonly kind: 'other' }

/**
 * Counts a body for a part of a batch: this one alone, for ever, however often the part was signed. Of parts that are counted at once the
 * last one sees all of them: a claim is committed before the batch is added up.
 * @throws Fault `store/unavailable`
 */
export async function claimPartWord(db: Database, tenant: Tenant, word: PartWord): Promise<PartClaim> {
  const found = await findClaim(db, tenant, word)
  if (found !== undefined) return found
  const { batch, number, digest, count, total, atMs } = word
  await inTenant(db, tenant, (tx) => tx.insertInto('payout_part_words')
    .values({ ...tenant, batch, number, digest, currency: total.currency, total_minor: total.amountMinor, row_count: count, at: new Date(atMs) })
    .onConflict((conflict) => conflict.doNothing()).execute())
  return await findClaim(db, tenant, word) ?? { kind: 'other' }
}

async function findClaim(db: Database, tenant: Tenant, { batch, number, digest, total: { currency } }: PartWord): Promise<PartClaim | undefined> {
  const counted = await inTenant(db, tenant, (tx) => tx.selectFrom('payout_part_words')
    .select([
      sql<boolean>`coalesce(bool_or(number = ${number}), false)`.as('is_there'),
      sql<boolean>`coalesce(bool_or(number = ${number} AND digest = ${digest}), false)`.as('is_this'),
      // A sum past any amount is over every limit.
      sql<bigint>`least(coalesce(sum(total_minor) FILTER (WHERE currency = ${currency}), 0), 9223372036854775807)::bigint`.as('minor'),
      sql<number>`coalesce(sum(row_count), 0)::integer`.as('rows'),
    ])
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('batch', '=', batch)
    .executeTakeFirstOrThrow())
  if (!counted.is_there) return undefined
  return counted.is_this ? { kind: 'claimed', batchCount: counted.rows, batchMinor: counted.minor } : { kind: 'other' }
}
