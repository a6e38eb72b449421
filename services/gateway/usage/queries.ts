import { classed, idSchema } from '@ngome/contracts'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'

const key = classed('internal', idSchema('apiKey')).optional().meta({ description: 'Only of this key.' })
const time = classed('internal', z.iso.datetime())
const from = time.optional().meta({ description: 'The earliest, UTC.', example: '2026-11-22T00:00:00Z' })
const to = time.optional().meta({ description: 'The end, itself not in it.', example: '2026-11-23T00:00:00Z' })

export const usageQuerySchema = z.strictObject({
  key,
  from: from.meta({ description: 'The earliest, UTC; an hour before `to` when left out, by hour a day.', example: '2026-11-22T00:00:00Z' }),
  to: to.meta({ description: 'The end, itself not in it; now when left out. At most a day after `from`, by hour 31 days.' }),
  by: classed('public', z.enum(['minute', 'hour'])).optional().meta({ description: '`hour` when left out.', example: 'hour' }),
})

const filters = {
  key,
  status: classed('internal', z.string().regex(/^[1-5][0-9]{2}$/).transform(Number)).optional()
    .meta({ description: 'Only answered so.', example: '404' }),
  operation: classed('internal', z.string().regex(/^[A-Za-z]{1,64}$/)).optional()
    .meta({ description: 'Only of this operation, as this document names it.', example: 'createPayment' }),
  from,
  to,
}
export const requestQuerySchema = z.strictObject({ ...pageFields, ...filters })
export const requestExportQuerySchema = z.strictObject(filters)
export const alertQuerySchema = z.strictObject({ ...pageFields, key })
