import { classed, paymentStatuses } from '@ngome/contracts'
import { z } from 'zod'
import { pageSizeDefault, pageSizeMax } from '../http/limits.ts'

/** Text, as a query is; a number in canonical form, so that `+5` and `5.0` are refused rather than guessed. */
const pageSize = z.string().regex(/^[1-9][0-9]{0,2}$/).transform(Number).pipe(z.int().min(1).max(pageSizeMax))

export const pageQuerySchema = z.strictObject({
  limit: classed('internal', pageSize).optional()
    .meta({ description: `Payments on the page, 1 to ${pageSizeMax}; ${pageSizeDefault} when left out.`, example: '20' }),
  cursor: classed('internal', z.string().min(1).max(256).regex(/^[A-Za-z0-9_-]+$/)).optional()
    .meta({ description: 'The `next_cursor` of the page before.' }),
  status: classed('internal', z.enum(paymentStatuses)).optional()
    .meta({ description: 'Only payments in this state.', example: 'succeeded' }),
})
export type PageQuery = z.output<typeof pageQuerySchema>
