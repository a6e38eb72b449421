import { classed, idSchema, paymentStatuses } from '@ngome/contracts'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'

export const pageQuerySchema = z.strictObject({
  ...pageFields,
  status: classed('internal', z.enum(paymentStatuses)).optional()
    .meta({ description: 'Only payments in this state.', example: 'succeeded' }),
})
/** Of refunds, also those of one payment. */
export const refundQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  payment: classed('internal', idSchema('payment')).optional().meta({ description: 'Only refunds of this payment.', example: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv' }),
})
export type PageQuery = z.output<typeof pageQuerySchema>
