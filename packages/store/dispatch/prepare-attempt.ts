import type { PaymentId, Tenant } from '@ngome/kernel'
import { hasEnded } from '@ngome/payments'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { inTenantPrepared } from '../transaction.ts'
import type { Attempt } from './load-payment.ts'
import { lockPayment } from './lock-payment.ts'
import type { NewAttempt } from './mark-attempt-sent.ts'

/**
 * Takes a payment in hand: makes its one attempt, or takes over the one that it has, with the next fence. Whoever held
 * an earlier fence can no longer mark it sent or record an outcome. When this returns, the reference is on disk.
 *
 * @param proposed used only where the payment has no attempt yet
 * @returns the attempt with the caller's fence, or `undefined` where the payment is unknown or has reached its end.
 * In state `sent` something may have left already: then only ask, or send the same reference again.
 * @throws Fault `store/unavailable`
 */
export async function prepareAttempt(
  db: Database,
  tenant: Tenant,
  payment: PaymentId,
  proposed: NewAttempt,
): Promise<Attempt | undefined> {
  return inTenantPrepared(db, tenant, async (tx) => {
    const status = await lockPayment(tx, tenant, payment)
    if (status === undefined || hasEnded(status)) return undefined
    const row = await tx.insertInto('attempts').values({
      ...tenant,
      id: proposed.id,
      payment,
      reference: proposed.reference,
      fence: 1,
      facts_proof: proposed.factsProof,
      state: 'prepared',
      network_reference: null,
      network_reason: null,
      prepared_at: new Date(proposed.atMs),
      sent_at: null,
      taken_at: null,
      known_at: null,
      stuck_at: null,
    })
      .onConflict((conflict) => conflict.columns(['merchant', 'world', 'payment'])
        .doUpdateSet({ fence: sql<number>`attempts.fence + 1` }))
      .returning(['reference', 'fence', 'sendings', 'state', 'prepared_at', 'sent_at', 'taken_at', 'network_reference', 'facts_proof', 'stuck_at'])
      .executeTakeFirstOrThrow()
    return {
      reference: row.reference,
      fence: row.fence,
      sendings: row.sendings,
      state: row.state,
      preparedAtMs: row.prepared_at.getTime(),
      sentAtMs: row.sent_at?.getTime() ?? null,
      takenAtMs: row.taken_at?.getTime() ?? null,
      networkReference: row.network_reference,
      factsProof: row.facts_proof,
      isStuck: row.stuck_at !== null,
    }
  })
}
