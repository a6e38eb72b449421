import { z } from 'zod'
import { classed } from './classed.ts'
import { idSchema, worldSchema } from './ids.ts'

const tenantFields = {
  merchant: classed('internal', idSchema('merchant')),
  world: classed('internal', worldSchema),
}

/** The queues and what their jobs carry: ids and nothing else, so that a stolen queue tells nothing. */
export const jobSchemas = {
  'payment-dispatch': z.strictObject({ ...tenantFields, payment: classed('internal', idSchema('payment')) }),
  'payment-enquire': z.strictObject({ ...tenantFields, payment: classed('internal', idSchema('payment')) }),
  'webhook-deliver': z.strictObject({ ...tenantFields, delivery: classed('internal', idSchema('webhookDelivery')) }),
} as const

export type QueueName = keyof typeof jobSchemas
export type JobData<Q extends QueueName> = z.output<(typeof jobSchemas)[Q]>
export const queueNames = Object.keys(jobSchemas) as readonly QueueName[]
