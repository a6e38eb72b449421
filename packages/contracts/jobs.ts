import { z } from 'zod'
import { failureCodes } from './api/payments.ts'
import { classed } from './classed.ts'
import { idSchema, paymentIdSchema } from './ids.ts'
import { tenantFields } from './tenant-fields.ts'

/** The network's no to the sending that held this fence: final once the network has had its time to think of it again. */
const refusal = z.strictObject({
  fence: classed('internal', z.int().positive()),
  failure: classed('internal', z.enum(failureCodes)),
  reason: classed('internal', z.string().max(512)),
})

/** Whose share of the slots a job takes, by its configured name. */
const network = classed('internal', z.string().max(64))

/** The queues and what their jobs carry: ids, and a network's name and codes, so that a stolen queue tells nothing. */
export const jobSchemas = {
  'forward': z.strictObject({ ...tenantFields, forward: classed('internal', idSchema('forward')) }),
  'payment-dispatch': z.strictObject({ ...tenantFields, payment: classed('internal', paymentIdSchema()), network: network.optional() }),
  'payment-enquire': z.strictObject({
    ...tenantFields, payment: classed('internal', paymentIdSchema()), network: network.optional(), refusal: refusal.optional(),
    /** Which in the row of enquiries it is; of what a callback asks for beside it, none. */
    turn: classed('internal', z.int().positive()).optional(),
    /** A person or a network's report has it asked, also where it has succeeded. */
    recheck: classed('internal', z.literal(true)).optional(),
  }),
  'payout-part': z.strictObject({
    ...tenantFields, part: classed('internal', idSchema('payoutBatchPart')),
    /** Older jobs have it; nobody looks at it. */
    since_ms: classed('internal', z.int()).optional(),
  }),
  'vault-index': z.strictObject({ ...tenantFields, token: classed('internal', idSchema('vaultToken')) }),
  'webhook-deliver': z.strictObject({
    ...tenantFields, delivery: classed('internal', idSchema('webhookDelivery')),
    /** Whose share of the slots it takes. */
    endpoint: classed('internal', idSchema('webhookEndpoint')).optional(),
  }),
} as const

export type QueueName = keyof typeof jobSchemas
export type JobData<Q extends QueueName> = z.output<(typeof jobSchemas)[Q]>
export const queueNames = Object.keys(jobSchemas) as readonly QueueName[]
