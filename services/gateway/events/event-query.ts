import { classed, objectEventTypeSchema } from '@ngome/contracts'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'

export const eventQuerySchema = z.strictObject({
  ...pageFields,
  type: objectEventTypeSchema.optional().meta({ description: 'Only of this type.', example: 'payment.succeeded' }),
  object: classed('internal', z.string().regex(/^(?:pay|pyt|rfd|stl|whe)_[0-7][0-9a-z]{25}$/)).optional()
    .meta({ description: 'Only of this payment, payout, refund, settlement or webhook endpoint.' }),
})
