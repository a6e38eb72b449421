import { dispatchAgeMsMax, sealedPaymentSchema, type Purpose, type SealedPayment } from '@ngome/contracts'
import { parseStrictJson } from '@ngome/kernel'
import type { DispatchablePayment } from '@ngome/store'
import type { CardDetails, OriginalPayment } from '../connectors/payment-network.ts'
import type { Network, PaymentDispatcher } from '../dispatcher.ts'
import { compareWithSealed } from './compare-payment.ts'
import { findOriginal } from './find-original.ts'
import { takeCard } from './open-card.ts'
import { isOverLimit, proveApproval } from './prove-approval.ts'
import { proveAuthorization } from './prove-authorization.ts'
import { proveRow } from './prove-row.ts'

/**
 * A payment whose columns were compared with what was sealed, and whose order was proven to be its merchant's where it takes the
 * merchant's money; only {@link openPayment} makes one.
 */
export type OpenedPayment = {
  readonly payment: DispatchablePayment
  readonly sealed: SealedPayment
  /** Of a refund: what it gives back. */
  readonly original: OriginalPayment | null
  /** Whether the network does such a thing, and what a refund gives back is still there. */
  readonly isAllowed: boolean
  /** Of a collection by card, out of the vault; `null` where that is gone: then it is not allowed. */
  readonly card?: CardDetails | null
  readonly isCompared: true
}

export type PaymentOpening =
  | { readonly kind: 'opened'; readonly opened: OpenedPayment }
  | { readonly kind: 'mismatch'; readonly fields: readonly string[] }
  | { readonly kind: 'unopenable'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string }

/** A sealed payment is one flat object with three inside it. */
const sealedBounds = { depthMax: 2, nodesMax: 32 }

/** Clocks differ, and a call may wait for the custodian: near the end of `dispatch` the other purpose is the sure one. */
const marginMs = 3_600_000

/** Why a payment that was sent is opened once more: as a part of its dispatch, or, when that is long ago, as older work. */
export function purposeOfSendingAgain({ dataKey }: Pick<DispatchablePayment, 'dataKey'>, nowMs: number): Purpose {
  return nowMs - dataKey.createdAtMs < dispatchAgeMsMax - marginMs ? 'dispatch' : 'enquiry'
}

/** @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable` */
export async function openPayment(
  dispatcher: PaymentDispatcher, purpose: Purpose, payment: DispatchablePayment, network: Network,
  signal: AbortSignal,
): Promise<PaymentOpening> {
  const opening = await dispatcher.openSealed(purpose, {
    dataKey: payment.dataKey.sealed,
    context: { tenant: payment.tenant, table: 'payments', recordId: payment.id, dataClass: 'restricted', version: 1 },
    blob: payment.sealed,
  }, signal)
  if (opening.kind !== 'opened') return opening
  const sealed = parseSealedPayment(opening.plaintext)
  opening.plaintext.fill(0)
  if (sealed === undefined) return { kind: 'unopenable', reason: 'what was sealed is not a payment' }
  const fields = compareWithSealed(payment, sealed, network)
  if (fields.length > 0) return { kind: 'mismatch', fields }
  const proven = await proveOrder(dispatcher, payment, network, sealed, signal)
  return sealed.card === undefined || proven.kind !== 'opened' ? proven : withCard(dispatcher, proven.opened, sealed.card, signal)
}

/** The last before it is sent: what is compared and proven, and only that, gets its card. */
async function withCard(
  { openCard }: PaymentDispatcher, opened: OpenedPayment, sealed: NonNullable<SealedPayment['card']>, signal: AbortSignal,
): Promise<PaymentOpening> {
  if (!opened.isAllowed) return { kind: 'opened', opened }
  const taken = await takeCard(openCard, opened.payment, sealed, signal)
  switch (taken.kind) {
    case 'opened': return { kind: 'opened', opened: { ...opened, card: taken.card } }
    case 'gone': return { kind: 'opened', opened: { ...opened, card: null, isAllowed: false } }
    case 'mismatch': return taken
    case 'unopenable': return { kind: 'unopenable', reason: taken.reason }
    case 'later': return { kind: 'later', reason: taken.reason }
    default: return taken satisfies never
  }
}

/** What goes out needs more than a seal: what it gives back, and its merchant's own word. */
async function proveOrder(
  dispatcher: PaymentDispatcher, payment: DispatchablePayment, network: Network, sealed: SealedPayment, signal: AbortSignal,
): Promise<PaymentOpening> {
  const found = await findOriginal(dispatcher, payment)
  if (found === 'mismatch') return { kind: 'mismatch', fields: ['original'] }
  if (payment.direction !== 'collection') {
    const proof = sealed.ordered_in === undefined
      ? await proveAuthorization(dispatcher, payment, sealed)
      : await proveRow(dispatcher, payment, { ...sealed, ordered_in: sealed.ordered_in }, signal)
    if (proof.kind === 'later') return proof
    if (proof.kind === 'unapproved') return unapproved(dispatcher, payment, proof.reason)
    if (proof.kind === 'refused') {
      dispatcher.logger.error({ payment: payment.id, reason: proof.reason }, 'its merchant did not order this')
      return { kind: 'mismatch', fields: ['authorization'] }
    }
    // A row of a batch was proven with that, which one person approves as a whole or not at all.
    const approval = sealed.ordered_in === undefined && isOverLimit(dispatcher, payment, sealed) ? await proveApproval(dispatcher, payment, sealed, proof.key) : null
    if (approval?.kind === 'refused') return unapproved(dispatcher, payment, approval.reason)
  }
  const isAllowed = network.connector.directions.includes(payment.direction) && (found === null || found.isStanding)
  return { kind: 'opened', opened: { payment, sealed, original: found?.asked ?? null, isAllowed, isCompared: true } }
}

function unapproved({ logger }: Pick<PaymentDispatcher, 'logger'>, { id }: DispatchablePayment, reason: string): PaymentOpening {
  logger.error({ payment: id, reason }, 'no second person approved this')
  return { kind: 'mismatch', fields: ['approval'] }
}

function parseSealedPayment(plaintext: Uint8Array): SealedPayment | undefined {
  const json = parseStrictJson(plaintext, sealedBounds)
  if (!json.ok) return undefined
  const parsed = sealedPaymentSchema.safeParse(json.value)
  return parsed.success ? parsed.data : undefined
}
