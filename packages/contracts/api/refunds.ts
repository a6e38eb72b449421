import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema } from '../ids.ts'
import { createPaymentSchema } from './payments.ts'
import { outgoingFields } from './payouts.ts'

const { amount, currency, reference, description } = createPaymentSchema.shape

/** What a refund may say; whose money it is says its path. The merchant signs the whole of it. */
export const createRefundSchema = z.strictObject({
  amount: amount.meta({ description: 'All that came or a part of it: all refunds of a payment together are no more than its amount.', example: '2.50' }),
  currency: currency.optional().meta({ description: 'The payment\'s, where you say it.', example: 'EUR' }),
  reference,
  description,
})
export type CreateRefund = z.output<typeof createRefundSchema>

export const refundSchema = z.strictObject({
  id: classed('internal', idSchema('refund')),
  object: classed('public', z.literal('refund')),
  payment: classed('internal', idSchema('payment')).meta({ description: 'What it gives back.' }),
  ...outgoingFields,
})
export type RefundView = z.output<typeof refundSchema>

export const refundPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(refundSchema),
  next_cursor: classed('internal', z.string()).nullable(),
})
