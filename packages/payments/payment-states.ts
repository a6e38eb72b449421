import type { PaymentStatus } from '@ngome/contracts'

export type PaymentTransition = { readonly from: PaymentStatus; readonly to: PaymentStatus }

/**
 * Every change of state that a payment may make; all others are refused, here and by a trigger in the database, whose
 * copy of this table a test compares. `accepted → failed` is for a record that was refused before anything was sent.
 */
export const paymentTransitions: readonly PaymentTransition[] = Object.freeze([
  { from: 'accepted', to: 'processing' },
  { from: 'accepted', to: 'failed' },
  { from: 'processing', to: 'succeeded' },
  { from: 'processing', to: 'failed' },
])

export function canTransition(from: PaymentStatus, to: PaymentStatus): boolean {
  return paymentTransitions.some((allowed) => allowed.from === from && allowed.to === to)
}

/** A final state is one that nothing leaves. */
export function isFinal(status: PaymentStatus): boolean {
  return !paymentTransitions.some((allowed) => allowed.from === status)
}
