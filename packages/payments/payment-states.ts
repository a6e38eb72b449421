import type { PaymentDirection, PaymentStatus } from '@ngome/contracts'
import type { TransferPhase } from './transfers.ts'

/** What a state means, and in which phase the payment's transfers stand in it. */
export type PaymentState = { readonly transfers: TransferPhase; readonly meaning: string }

/** The states, in the order in which a payment may come to them; docs/payment-states.md is made of this table. */
export const paymentStates = Object.freeze({
  awaiting_approval: { transfers: 'pending', meaning: 'Its money is reserved. A second person says whether it goes out.' },
  accepted: { transfers: 'pending', meaning: 'On disk. Nothing was sent.' },
  processing: { transfers: 'pending', meaning: 'Sent, or about to be: the network may have it.' },
  in_doubt: { transfers: 'pending', meaning: 'Sent, and what the network answers does not say whether it has it. It is asked until it says.' },
  succeeded: { transfers: 'posted', meaning: 'The network says that the money moved.' },
  failed: { transfers: 'voided', meaning: 'The money did not move, and will not under this payment.' },
  cancelled: { transfers: 'voided', meaning: 'Taken back before anything was sent.' },
  reversed: { transfers: 'posted', meaning: 'The network took a success back. The mirrors of its transfers gave back what they moved, the fee too.' },
} as const satisfies Readonly<Record<PaymentStatus, PaymentState>>)

export type PaymentTransition = {
  readonly from: PaymentStatus
  readonly to: PaymentStatus
  /** The process that makes it; the database lets no other. */
  readonly by: 'gateway' | 'dispatcher'
}

/**
 * Every change of state that a payment may make; all others are refused, here and by a trigger in the database, whose
 * copy of this table a test compares. What merchants decide before anything was sent is the gateway's; what networks say, and
 * that something is sent at all, the dispatcher's; so is that a row of a batch goes on, of which the approval is proven first.
 */
export const paymentTransitions: readonly PaymentTransition[] = Object.freeze([
  { from: 'awaiting_approval', to: 'accepted', by: 'gateway' },
  { from: 'awaiting_approval', to: 'accepted', by: 'dispatcher' },
  { from: 'awaiting_approval', to: 'cancelled', by: 'gateway' },
  { from: 'awaiting_approval', to: 'failed', by: 'gateway' },
  { from: 'awaiting_approval', to: 'failed', by: 'dispatcher' },
  { from: 'accepted', to: 'cancelled', by: 'gateway' },
  { from: 'accepted', to: 'processing', by: 'dispatcher' },
  { from: 'accepted', to: 'failed', by: 'dispatcher' },
  { from: 'processing', to: 'in_doubt', by: 'dispatcher' },
  { from: 'processing', to: 'succeeded', by: 'dispatcher' },
  { from: 'processing', to: 'failed', by: 'dispatcher' },
  { from: 'in_doubt', to: 'processing', by: 'dispatcher' },
  { from: 'in_doubt', to: 'succeeded', by: 'dispatcher' },
  { from: 'in_doubt', to: 'failed', by: 'dispatcher' },
  { from: 'succeeded', to: 'reversed', by: 'dispatcher' },
])

/** In which states a payment may begin: what takes a merchant's money may have to wait for a second person. */
export const initialStatuses: Readonly<Record<PaymentDirection, readonly PaymentStatus[]>> = Object.freeze({
  collection: ['accepted'], payout: ['accepted', 'awaiting_approval'], refund: ['accepted', 'awaiting_approval'],
})

export function canTransition(from: PaymentStatus, to: PaymentStatus): boolean {
  return paymentTransitions.some((allowed) => allowed.from === from && allowed.to === to)
}

/** Whether its money has moved or never will under it: nothing is sent for it any more, and its transfers have ended. */
export function hasEnded(status: PaymentStatus): boolean {
  return paymentStates[status].transfers !== 'pending'
}

/** The states in which a payment has not ended, which somebody has to go on with. */
export const openStatuses: readonly PaymentStatus[] = (Object.keys(paymentStates) as PaymentStatus[]).filter((status) => !hasEnded(status))

/** The states out of which the dispatcher brings a payment to this one. */
export function dispatcherOrigins(to: PaymentStatus): readonly PaymentStatus[] {
  return originsOf(to, 'dispatcher')
}

/** The states out of which the gateway brings a payment to this one. */
export function gatewayOrigins(to: PaymentStatus): readonly PaymentStatus[] {
  return originsOf(to, 'gateway')
}

function originsOf(to: PaymentStatus, by: PaymentTransition['by']): readonly PaymentStatus[] {
  return paymentTransitions.filter((allowed) => allowed.to === to && allowed.by === by).map(({ from }) => from)
}
