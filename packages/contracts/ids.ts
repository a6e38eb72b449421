import { idPattern, type Id, type IdKind, type PaymentId } from '@ngome/kernel'
import { z } from 'zod'

/** The schema of an id of this kind; its output is branded. */
export function idSchema<K extends IdKind>(kind: K): z.ZodType<Id<K>, string> {
  return z.string().regex(idPattern(kind)) as unknown as z.ZodType<Id<K>, string>
}

/** The id of a movement of money, whichever way it goes. */
export function paymentIdSchema(): z.ZodType<PaymentId, string> {
  const kinds = ['payment', 'payout', 'refund'] as const satisfies readonly IdKind[]
  return z.string().regex(new RegExp(kinds.map((kind) => idPattern(kind).source).join('|'))) as unknown as z.ZodType<PaymentId, string>
}

export const worldSchema = z.enum(['test', 'live'])
