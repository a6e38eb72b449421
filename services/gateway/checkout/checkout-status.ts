import { checkoutTriesMax, type CheckoutStatus } from '@ngome/contracts'
import type { CheckoutRow } from '@ngome/store'

/** Where things stand with a session: what its last payment came to, then whether its link still asks anybody. */
export function checkoutStatus({ lastTry, isCancelled, expiresAtMs }: Pick<CheckoutRow, 'lastTry' | 'isCancelled' | 'expiresAtMs'>, nowMs: number): CheckoutStatus {
  const ofPayment = lastTry === null ? 'open' : ofLast(lastTry)
  if (ofPayment !== 'open') return ofPayment
  if (isCancelled) return 'cancelled'
  return expiresAtMs <= nowMs ? 'expired' : 'open'
}

/** How often payers may still be asked. */
export function triesLeft({ lastTry }: Pick<CheckoutRow, 'lastTry'>): number {
  return checkoutTriesMax - (lastTry?.number ?? 0)
}

function ofLast({ status, number }: NonNullable<CheckoutRow['lastTry']>): CheckoutStatus {
  switch (status) {
    case 'awaiting_approval':
    case 'accepted':
    case 'processing':
    case 'in_doubt':
      return 'processing'
    case 'succeeded':
      return 'paid'
    case 'reversed':
      return 'reversed'
    case 'failed':
    case 'cancelled':
      return number >= checkoutTriesMax ? 'failed' : 'open'
    default:
      return status satisfies never
  }
}
