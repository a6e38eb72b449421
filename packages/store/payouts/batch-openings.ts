import type { Currency, DataKeyId, MerchantSigningKeyId, PayoutBatchId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/** What a merchant signed to open a batch, as nobody can read it, beside what the gateway wrote of it. */
export type SealedBatchOpening = {
  readonly batch: PayoutBatchId
  readonly sealed: Uint8Array
  readonly dataKey: { readonly id: DataKeyId; readonly sealed: Uint8Array; readonly createdAtMs: number }
  readonly createdAtMs: number
  /** The columns: the gateway's word, and no signature's. */
  readonly written: BatchTerms
}

/** What a batch is. */
export type BatchTerms = { readonly reference: string; readonly currency: Currency; readonly count: number; readonly totalMinor: bigint }

/** What a batch is by its merchant's signature, as the dispatcher once proved and counted it. */
export type BatchWord = BatchTerms & { readonly batch: PayoutBatchId; readonly signingKey: MerchantSigningKeyId }

/** @throws Fault `store/unavailable` */
export async function loadBatchOpening(db: Database, tenant: Tenant, batch: PayoutBatchId): Promise<SealedBatchOpening | undefined> {
  const row = await inTenant(db, tenant, (tx) => tx.selectFrom('payout_batch_openings as o')
    .innerJoin('data_keys as d', (join) => join.onRef('d.merchant', '=', 'o.merchant').onRef('d.world', '=', 'o.world').onRef('d.id', '=', 'o.data_key'))
    .innerJoin('payout_batches as b', (join) => join.onRef('b.merchant', '=', 'o.merchant').onRef('b.world', '=', 'o.world').onRef('b.id', '=', 'o.batch'))
    .selectAll('o').select(['b.reference as written_reference', 'b.currency', 'b.declared_count', 'b.declared_minor', 'd.sealed as data_key_sealed', 'd.created_at as data_key_created_at'])
    .where('o.merchant', '=', tenant.merchant).where('o.world', '=', tenant.world).where('o.batch', '=', batch)
    .executeTakeFirst())
  return row && {
    batch, sealed: row.sealed, createdAtMs: row.created_at.getTime(),
    dataKey: { id: row.data_key, sealed: row.data_key_sealed, createdAtMs: row.data_key_created_at.getTime() },
    written: { reference: row.written_reference, currency: row.currency, count: row.declared_count, totalMinor: row.declared_minor },
  }
}

/** What was counted for a batch before. @throws Fault `store/unavailable` */
export async function findBatchWord(db: Database, tenant: Tenant, batch: PayoutBatchId): Promise<BatchWord | undefined> {
  const row = await inTenant(db, tenant, (tx) => tx.selectFrom('payout_batch_words').selectAll()
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('batch', '=', batch).executeTakeFirst())
  return row && {
    batch, reference: row.reference, currency: row.currency, count: row.declared_count, totalMinor: row.declared_minor, signingKey: row.signing_key,
  }
}

/**
 * Counts an opening for a batch: of each reference one batch, and of each batch one opening, for ever.
 * @returns what is counted for this batch; `undefined` where the reference is another batch's
 * @throws Fault `store/unavailable`
 */
export async function claimBatchWord(db: Database, tenant: Tenant, word: BatchWord & { readonly atMs: number }): Promise<BatchWord | undefined> {
  const { batch, reference, currency, count, totalMinor, signingKey, atMs } = word
  await inTenant(db, tenant, (tx) => tx.insertInto('payout_batch_words')
    .values({ ...tenant, batch, reference, currency, declared_count: count, declared_minor: totalMinor, signing_key: signingKey, at: new Date(atMs) })
    .onConflict((conflict) => conflict.doNothing()).execute())
  return findBatchWord(db, tenant, batch)
}
