import type { Event, PaymentStatus } from '@ngome/contracts'
import type { CallbackHintId, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { pipelinedTwice } from '../pipeline.ts'

/**
 * Holds a hint against how its payment stands, once.
 * @param judge of the payment's status now, `undefined` where there is none: the event of a claim that contradicts it, or `null`
 * @throws Fault `store/unavailable`
 */
export async function judgeHint(
  db: Database,
  tenant: Tenant,
  hint: { readonly id: CallbackHintId; readonly payment: PaymentId; readonly atMs: number },
  judge: (status: PaymentStatus | undefined) => Event | null,
): Promise<void> {
  const { id, payment, atMs } = hint
  await pipelinedTwice(db, tenant, [{
    name: 'mark_hint_judged',
    text: `UPDATE ngome.callback_hints SET judged_at = $5 WHERE merchant = $1 AND world = $2 AND payment = $3 AND id = $4 AND judged_at IS NULL`,
    values: [tenant.merchant, tenant.world, payment, id, new Date(atMs)],
  }, {
    name: 'read_status', text: 'SELECT status FROM ngome.payments WHERE merchant = $1 AND world = $2 AND id = $3', values: [tenant.merchant, tenant.world, payment],
  }], ([judged, found]) => {
    const finding = judged?.rowCount === 1 ? judge(found?.rows[0]?.['status'] as PaymentStatus | undefined) : null
    return { statements: finding === null ? [] : [appendEventStatement(finding)], result: undefined }
  })
}
