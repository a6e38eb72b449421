import { classed, paymentStatuses } from '@ngome/contracts'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'

export const pageQuerySchema = z.strictObject({
  ...pageFields,
  status: classed('internal', z.enum(paymentStatuses)).optional()
    .meta({ description: 'Only payments in this state.', example: 'succeeded' }),
})
export type PageQuery = z.output<typeof pageQuerySchema>
