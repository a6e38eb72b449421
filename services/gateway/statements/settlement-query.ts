import { classed, settlementStates } from '@ngome/contracts'
import { z } from 'zod'
import { pageQuerySchema } from '../payments/page-query.ts'

/** A page of settlements, of one status where one is named. */
export const settlementQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  status: classed('internal', z.enum(settlementStates)).optional().meta({ description: 'Only settlements of this status.', example: 'paid' }),
})
