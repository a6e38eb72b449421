import { z } from 'zod'
import { classed } from './classed.ts'

/** An id of any kind. */
export const shownIdPattern = /^[a-z]{2,8}_[0-9a-hjkmnp-tv-z]{26}$/

export const rowEvents = {
  /** A row that somebody else wrote: it has no form that its merchant could be shown, and is left out. `null` where its id is none. */
  'row.formless': {
    severity: 'alarm',
    data: z.strictObject({ kind: classed('internal', z.string().max(40)), row: classed('internal', z.string().regex(shownIdPattern)).nullable() }),
  },
} as const
