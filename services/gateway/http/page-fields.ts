import { classed } from '@ngome/contracts'
import { z } from 'zod'
import { pageSizeDefault, pageSizeMax } from './limits.ts'

/** Text, as a query is; a number in canonical form, so that `+5` and `5.0` are refused rather than guessed. */
const pageSize = z.string().regex(/^[1-9][0-9]{0,2}$/).transform(Number).pipe(z.int().min(1).max(pageSizeMax))

/** What every list takes. */
export const pageFields = {
  limit: classed('internal', pageSize).optional()
    .meta({ description: `How many on the page, 1 to ${pageSizeMax}; ${pageSizeDefault} when left out.`, example: '20' }),
  cursor: classed('internal', z.string().min(1).max(256).regex(/^[A-Za-z0-9_-]+$/)).optional()
    .meta({ description: 'The `next_cursor` of the page before.' }),
}
