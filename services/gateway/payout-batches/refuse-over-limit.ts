import { Fault } from '@ngome/kernel'
import { needsApproval, type ApprovalRules } from '@ngome/payments'
import type { PayoutBatchRow } from '@ngome/store'

/**
 * Refuses parts of a batch of more than goes out on one person's word, which asked for no second one when it was opened: the limit was
 * another then. The dispatcher has a limit of its own.
 * @throws Fault `payout_batches/needs_approval`
 */
export function refuseOverLimit(approvals: ApprovalRules, { needsApproval: hasAsked, currency, declaredMinor: amountMinor }: PayoutBatchRow): void {
  if (hasAsked || !needsApproval(approvals, { amountMinor, currency })) return
  throw new Fault('payout_batches/needs_approval', 'a batch over the limit of one person', {
    fields: [{ pointer: '', detail: 'The batch comes to more than goes out on one person\u2019s word.' }],
  })
}
