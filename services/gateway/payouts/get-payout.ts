import type { DecidedPayoutView } from '@ngome/contracts'
import { Fault, type Tenant } from '@ngome/kernel'
import { payoutView, type ApprovalRules } from '@ngome/payments'
import type { ApprovalParty, PaymentRow, PaymentStore, PayoutApproval } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { PaymentReader } from '../payments/payment-reader.ts'

type ApprovalPorts = { readonly payments: Pick<PaymentStore, 'findPayoutApproval'>; readonly approvals: Pick<ApprovalRules, 'expiresAfterMs'> }

/** @throws Fault `payouts/unknown`, the same for one that never was and for another merchant's */
export async function getPayout(ports: ApprovalPorts & { readonly reader: PaymentReader }, call: Call<'getPayout'>): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const row = await ports.reader.find(tenant, id)
  if (row === undefined) throw new Fault('payouts/unknown', `no ${id} for this tenant`)
  return answerDecidedPayout(ports, tenant, row)
}

/** A payout with who asked for it and who decided it, where it needs a second person. */
export async function answerDecidedPayout({ payments, approvals }: ApprovalPorts, tenant: Tenant, row: PaymentRow): Promise<Answer> {
  const { asked, answer } = await payments.findPayoutApproval(tenant, row.id)
  const view: DecidedPayoutView = {
    ...payoutView(row),
    ...asked === null ? {} : {
      approval: approvalView(asked, answer, row.createdAtMs + approvals.expiresAfterMs),
    },
  }
  return { status: 200, contentType: jsonType, body: JSON.stringify(view) }
}

/** Who asked, who answered, and until when there is time for it. */
export function approvalView(asked: NonNullable<PayoutApproval['asked']>, answer: PayoutApproval['answer'], expiresAtMs: number): NonNullable<DecidedPayoutView['approval']> {
  return { asked: partyView(asked), answer: answer === null ? null : { decision: answer.decision, ...partyView(answer) }, expires_at: iso(expiresAtMs) }
}

function partyView({ apiKey, signingKey, atMs }: ApprovalParty & { readonly atMs: number }): NonNullable<DecidedPayoutView['approval']>['asked'] {
  return { key: apiKey, signing_key: signingKey, at: iso(atMs) }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
