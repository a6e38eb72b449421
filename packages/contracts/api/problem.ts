import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema } from '../ids.ts'

/** RFC 9457 problem document; `code` is stable, `detail` is for people. */
export const problemSchema = z.strictObject({
  type: classed('public', z.string()),
  title: classed('public', z.string()),
  status: classed('public', z.int()),
  code: classed('public', z.string()),
  /** Where the code is explained, on the origin that answered; the processes among themselves have no such page. */
  help: classed('public', z.string().describe('Where the code is explained: a line of the reference, relative to the address that was asked.')).optional(),
  request_id: classed('internal', idSchema('request')),
  errors: z.array(z.strictObject({
    pointer: classed('public', z.string()),
    detail: classed('public', z.string()),
    /** Of one of many rows: the code that it would have been refused with alone. */
    code: classed('public', z.string()).optional(),
  })).optional(),
})
export type Problem = z.output<typeof problemSchema>
