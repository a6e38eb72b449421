import { Fault, type Money } from '@ngome/kernel'
import { needsApproval, type ApprovalRules } from '@ngome/payments'

/**
 * Refuses a batch of more than goes out on one person's word: nobody approves a whole batch. The dispatcher has a limit of its own.
 * @param pointer what of the request says so
 * @throws Fault `payout_batches/needs_approval`
 */
export function refuseOverLimit(approvals: ApprovalRules, declared: Money, pointer: string): void {
  if (!needsApproval(approvals, declared)) return
  throw new Fault('payout_batches/needs_approval', 'a batch over the limit of one person', {
    fields: [{ pointer, detail: 'The batch comes to more than goes out on one person\u2019s word.' }],
  })
}
