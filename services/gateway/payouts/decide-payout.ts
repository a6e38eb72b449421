import { emit } from '@ngome/contracts'
import { Fault, formatMoney, type ApiKeyId, type Clock, type FieldFault, type Random, type Secret } from '@ngome/kernel'
import { proveNextEvent, type ApprovalRules } from '@ngome/payments'
import type { ApprovalParty, PaymentRow, PaymentStore } from '@ngome/store'
import { askedBy } from '../api-keys/asked-by.ts'
import type { Answer } from '../http/answer.ts'
import type { AuthenticatedCaller, Call, VerifiedSignature } from '../http/call.ts'
import { refuseBody } from '../http/refuse-body.ts'
import { authorizationOf } from '../payments/authorization.ts'
import { answerDecidedPayout } from './get-payout.ts'

export type DecidePorts = {
  readonly payments: Pick<PaymentStore, 'findPayment' | 'findPayoutApproval' | 'approvePayout' | 'withdrawPayment'>
  readonly approvals: ApprovalRules
  readonly eventSecret: Secret<Uint8Array>
  readonly clock: Clock
  readonly random: Random
}

/**
 * Lets a payout go on that waits for a second person. What that person saw is in the signed body, and is held against the payout here and
 * against the sealed record in the dispatcher, which proves the signature again. Approving again says the same.
 * @throws Fault `payouts/unknown`, `payouts/own_approval`, `payouts/not_awaiting`, `payouts/approval_differs`, `request/invalid`,
 * `store/unavailable`
 */
export async function approvePayout(ports: DecidePorts, call: Call<'approvePayout'>): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const party = await assertOther(ports, call)
  const row = await findPayout(ports, call)
  const fields = differences(row, call.body)
  if (fields.length > 0) throw new Fault('payouts/approval_differs', `${id}: ${fields.map(({ pointer }) => pointer).join(' ')}`, { fields })
  assertInTime(ports, row)
  const { base, signature, body } = authorizationOf(call)
  const outcome = await ports.payments.approvePayout(tenant, {
    payment: id,
    answer: { ...party, decision: 'approved', proof: { base, signature, body } },
    atMs: ports.clock.nowMs(),
    event: emit({ ...ports, process: 'gateway' }, 'payout.approved', tenant, { payment: id, status: 'accepted', ...askedBy(call) }),
    prove: (event, previous) => proveNextEvent(ports.eventSecret, event, previous),
  })
  return answer(ports, call, outcome)
}

/**
 * Ends a payout that waits for a second person; what was reserved is available again. Refusing again says the same.
 * @throws Fault `payouts/unknown`, `payouts/own_approval`, `payouts/not_awaiting`, `request/invalid` for a body, `store/unavailable`
 */
export async function refusePayout(ports: DecidePorts, call: Call<'refusePayout'>): Promise<Answer> {
  refuseBody(call)
  const { caller: { tenant }, params: { id } } = call
  const party = await assertOther(ports, call)
  const outcome = await ports.payments.withdrawPayment(tenant, {
    payment: id,
    to: { status: 'failed', failure: 'approval_refused' },
    refusal: { ...party, decision: 'refused' },
    atMs: ports.clock.nowMs(),
    event: emit({ ...ports, process: 'gateway' }, 'payout.refused', tenant, { payment: id, status: 'failed', ...askedBy(call) }),
    prove: (event, previous) => proveNextEvent(ports.eventSecret, event, previous),
  })
  return answer(ports, call, outcome)
}

/** By whose keys a call is; a key goes by the first that it was rolled from, so that nobody becomes another by a roll. */
export function partyOf({ apiKey, caps }: Pick<AuthenticatedCaller, 'apiKey' | 'caps'>, signature: VerifiedSignature | undefined): ApprovalParty {
  if (signature === undefined) throw new Fault('access/signature_required', 'nothing goes out without a signature')
  return { apiKey, keyLine: (caps.dayTotalOf ?? apiKey) satisfies ApiKeyId, signingKey: signature.keyId }
}

type DecidingCall = Pick<Call<'refusePayout'>, 'caller' | 'params' | 'signature'>

async function findPayout({ payments }: DecidePorts, { caller: { tenant }, params: { id } }: DecidingCall): Promise<PaymentRow> {
  const row = await payments.findPayment(tenant, id)
  if (row === undefined) throw new Fault('payouts/unknown', `no ${id} for this tenant`)
  return row
}

/** Who ordered it is no second person, by neither key. */
async function assertOther(ports: DecidePorts, call: DecidingCall): Promise<ApprovalParty> {
  const { caller, params: { id }, signature } = call
  const party = partyOf(caller, signature)
  const { asked } = await ports.payments.findPayoutApproval(caller.tenant, id)
  if (asked === null) {
    await findPayout(ports, call)
    throw new Fault('payouts/not_awaiting', `${id} never waited`)
  }
  if (asked.keyLine === party.keyLine || asked.signingKey === party.signingKey) throw new Fault('payouts/own_approval', `${id} by who ordered it`)
  return party
}

/** One whose time is over is only not failed yet. */
function assertInTime({ approvals, clock }: DecidePorts, { id, status, createdAtMs }: PaymentRow): void {
  if (status === 'awaiting_approval' && createdAtMs + approvals.expiresAfterMs <= clock.nowMs()) throw new Fault('payouts/not_awaiting', `${id} waited too long`)
}

function differences(row: PaymentRow, { amount, currency, reference, payee }: Call<'approvePayout'>['body']): readonly FieldFault[] {
  const same: readonly (readonly [string, boolean])[] = [
    ['/amount', amount === formatMoney(row)], ['/currency', currency === row.currency], ['/reference', reference === row.reference],
    ['/payee/phone', payee === undefined || payee.phone === row.payerMasked],
  ]
  return same.filter(([, isSame]) => !isSame).map(([pointer]) => ({ pointer, detail: 'The payout says something else.' }))
}

async function answer(
  ports: DecidePorts, { caller: { tenant }, params: { id } }: DecidingCall,
  outcome: Awaited<ReturnType<PaymentStore['approvePayout']>> | Awaited<ReturnType<PaymentStore['withdrawPayment']>>,
): Promise<Answer> {
  switch (outcome.kind) {
    case 'unknown':
      throw new Fault('payouts/unknown', `no ${id} for this tenant`)
    case 'not_awaiting':
    case 'too_late':
      throw new Fault('payouts/not_awaiting', `${id} is ${outcome.row.status}`)
    case 'approved':
    case 'withdrawn':
      return answerDecidedPayout(ports, tenant, outcome.row)
    default:
      return outcome satisfies never
  }
}
