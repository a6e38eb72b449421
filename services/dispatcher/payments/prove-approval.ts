import { approvePayoutSchema, type SealedPayment } from '@ngome/contracts'
import { parseMoney, parseStrictJson } from '@ngome/kernel'
import { needsApproval, type ApprovalRules } from '@ngome/payments'
import type { ProvenMerchantKey } from '@ngome/signatures'
import type { DispatchablePayment } from '@ngome/store'
import type { SignedOrder } from './is-order-of.ts'
import { proveSignedRequest, refused, type Refused, type SigningPorts } from './prove-signed-request.ts'

export type ApprovalProof = { readonly kind: 'proven' } | Refused
export type ApprovalPorts = SigningPorts & { readonly approvals: ApprovalRules }

/** Bodies of approvals are flat, with one object inside. */
const bodyBounds = { depthMax: 2, nodesMax: 12 }
/** Clocks of merchants, gateway and dispatcher differ, and a request may be as old as its signature may. */
export const marginMs = 600_000

/** Whether a payout is one that goes out on two people's word alone: by the dispatcher's own limit, whatever the columns say. */
export function isOverLimit({ approvals }: Pick<ApprovalPorts, 'approvals'>, { direction, currency }: DispatchablePayment, sealed: SealedPayment): boolean {
  return direction === 'payout' && needsApproval(approvals, { amountMinor: BigInt(sealed.amount_minor), currency })
}

/**
 * Proves that a second person approved this payout: a request that names it in its path and says what that person saw, signed by another
 * key than the order's, which the custodian stated for the merchant and did not revoke. Who holds the gateway can write an approval,
 * and cannot sign one; an approval of another payout names that one.
 * @param orderedBy the key that signed the order
 * @returns why not, for the operator's log
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveApproval(
  ports: ApprovalPorts, payment: DispatchablePayment, sealed: SealedPayment, orderedBy: ProvenMerchantKey,
): Promise<ApprovalProof> {
  const { tenant, id, createdAtMs } = payment
  const { answer } = await ports.payments.findPayoutApproval(tenant, id)
  if (answer?.decision !== 'approved') return refused('no second person approved it')
  const proof = await proveSignedRequest(ports, tenant, { key: answer.signingKey, ...answer.proof }, Buffer.from(answer.proof.body, 'utf8'), answer.atMs)
  if (proof.kind === 'refused') return proof
  if (isSameKey(proof.key, orderedBy)) return refused('who ordered it approved it')
  if (proof.createdAtMs < createdAtMs - marginMs) return refused('it was approved before it was ordered')
  if (proof.createdAtMs > createdAtMs + ports.approvals.expiresAfterMs + marginMs) return refused('it was approved too late')
  return isApprovalOf(payment, sealed, proof.request) ? { kind: 'proven' } : refused('it approves something else')
}

/** By name, and by what it is: one key may have been stated under two names. */
export function isSameKey(one: ProvenMerchantKey, other: ProvenMerchantKey): boolean {
  return one.id === other.id || one.publicKey.equals(other.publicKey)
}

/** Whether a signed request approves exactly what was sealed: this payout by its path, and what was seen of it. */
function isApprovalOf(payment: DispatchablePayment, sealed: SealedPayment, { method, target, body }: SignedOrder): boolean {
  const json = parseStrictJson(body, bodyBounds)
  if (!json.ok || method !== 'POST' || target !== `/v1/payouts/${payment.id}/approve`) return false
  const { data } = approvePayoutSchema.safeParse(json.value)
  return data !== undefined && parseMoney(data.amount, payment.currency)?.amountMinor.toString() === sealed.amount_minor
    && data.currency === sealed.currency && data.reference === sealed.reference
    // Its column was compared with what was sealed.
    && (data.payee === undefined || data.payee.phone === payment.payerMasked)
}
