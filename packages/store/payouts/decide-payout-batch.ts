import type { Event } from '@ngome/contracts'
import type { PayoutBatchId, PayoutBatchPartId, Tenant } from '@ngome/kernel'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { findInAllTenants } from '../dispatch/find-open-payments.ts'
import { appendEvent } from '../events/append-event.ts'
import { enqueueEachStatement } from '../jobs/enqueue.ts'
import { insertApprovalStatement, type ApprovalAnswer } from '../payments/payout-approvals.ts'
import type { Tables } from '../tables.ts'
import { inTenant } from '../transaction.ts'

export type BatchDecision = {
  readonly batch: PayoutBatchId
  readonly answer: ApprovalAnswer
  readonly atMs: number
  /** For the operator. */
  readonly event: Event
}

export type BatchDecisionOutcome =
  /** Also where the same key line said so before: then nothing was changed. */
  | 'decided'
  /** It needs nobody, is not whole, was decided or cancelled. */
  | 'not_awaiting'
  | 'unknown'

/**
 * Decides a whole batch: the answer, a job for each of its parts, and the event with its leaf, in one transaction that holds the batch, so that
 * of all who decide one is first. The jobs let its rows go on, each once its approval is proven, or fail them.
 * @throws Fault `store/unavailable`; else the database's own error where who ordered some of it would answer
 */
export async function decidePayoutBatch(db: Database, tenant: Tenant, { batch, answer, atMs, event }: BatchDecision): Promise<BatchDecisionOutcome> {
  const outcome = await inTenant(db, tenant, async (tx): Promise<BatchDecisionOutcome | 'changed'> => {
    const row = await tx.selectFrom('payout_batches').select(['needs_approval', 'declared_count', 'accepted_count', 'cancelled_at'])
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', batch).forNoKeyUpdate().executeTakeFirst()
    if (row === undefined) return 'unknown'
    const before = await answerOf(tx, tenant, batch)
    if (before !== undefined) return before.decision === answer.decision && before.key_line === answer.keyLine ? 'decided' : 'not_awaiting'
    if (!row.needs_approval || row.cancelled_at !== null || row.accepted_count !== row.declared_count) return 'not_awaiting'
    const { text, values } = insertApprovalStatement(tenant, { batch }, answer, atMs)
    await tx.executeQuery(CompiledQuery.raw(text, [...values]))
    await enqueueParts(tx, tenant, batch)
    await appendEvent(tx, event)
    return 'changed'
  })
  if (outcome !== 'changed') return outcome
  db.wake('payout-part')
  return 'decided'
}

/**
 * Ends the time in which a batch could be decided: from then on it takes no part and no answer, and its rows fail by the jobs of their parts.
 * @returns whether nobody had decided it
 * @throws Fault `store/unavailable`
 */
export async function expirePayoutBatch(
  db: Database, tenant: Tenant, { batch, atMs, event }: { readonly batch: PayoutBatchId; readonly atMs: number; readonly event: Event },
): Promise<boolean> {
  const isExpired = await inTenant(db, tenant, async (tx) => {
    // The database's guard holds the batch: a part that came before is seen below, one that comes after is refused.
    const { numInsertedOrUpdatedRows } = await tx.insertInto('payout_batch_approvals').values({ ...tenant, batch, decision: 'expired', at: new Date(atMs) } as never)
      .onConflict((conflict) => conflict.doNothing()).executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return false
    await enqueueParts(tx, tenant, batch)
    await appendEvent(tx, event)
    return true
  })
  if (isExpired) db.wake('payout-part')
  return isExpired
}

/** Finds batches of all tenants that nobody decided in time, the oldest first. @throws Fault `store/unavailable` */
export async function findUndecidedBatches(
  db: Database, search: { readonly olderThanMs: number; readonly limit: number },
): Promise<readonly { readonly tenant: Tenant; readonly batch: PayoutBatchId }[]> {
  return (await findInAllTenants<PayoutBatchId>(db, 'find_undecided_batches', search)).map(({ tenant, id }) => ({ tenant, batch: id }))
}

function answerOf(tx: Transaction<Tables>, tenant: Tenant, batch: PayoutBatchId) {
  return tx.selectFrom('payout_batch_approvals').select(['decision', 'key_line'])
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('batch', '=', batch).where('is_answer', '=', true as never).executeTakeFirst()
}

async function enqueueParts(tx: Transaction<Tables>, tenant: Tenant, batch: PayoutBatchId): Promise<void> {
  const parts: readonly { readonly id: PayoutBatchPartId }[] = await tx.selectFrom('payout_batch_parts').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('batch', '=', batch).orderBy('number').execute()
  if (parts.length === 0) return
  const { text, values } = enqueueEachStatement('payout-part', tenant, parts.map(({ id }) => ({ ...tenant, part: id })))
  await tx.executeQuery(CompiledQuery.raw(text, [...values]))
}
