import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'
import { authorizationSchema, paymentStatuses } from './payments.ts'
import { payoutApprovalSchema } from './payout-approvals.ts'
import { createPayoutSchema } from './payouts.ts'

/** Rows of one batch; ten thousand parts of a hundred. */
export const batchRowsMax = 1_000_000
/** Rows of one part: what one transaction holds the merchant's account for. */
export const partRowsMax = 500
/** How long a batch takes parts: what was signed to open it is opened for the first of its rows, and no record for ever. */
export const batchOpenMs = 72 * 3_600_000
/** The body that opens a batch, which is kept in a sealed record with its signature. */
export const openingBodyBytesMax = 1_024
/** The body of one part, which is kept in one sealed record with its signature: 500 rows of 120 bytes each. */
export const partBodyBytesMax = 60_000
/** Numbers of parts of a batch that needs an approval: who sends a part holds the list of all of them against what was approved. */
export const approvablePartsMax = 10_000

const { amount, currency, network, payee, reference, description } = createPayoutSchema.shape

/** What a batch is declared to be; sums are held against it, so that a row too many or too few is seen. */
export const createPayoutBatchSchema = z.strictObject({
  reference: reference.meta({ description: 'Your own name of the batch, which names this one for ever.', example: 'wages-2026-11' }),
  currency,
  count: classed('internal', z.int().min(1).max(batchRowsMax)).meta({ description: 'How many payouts it will have.', example: 2 }),
  total: classed('internal', z.string().max(24)).meta({ description: 'What their amounts come to, without fees.', example: '12.50' }),
})
export type CreatePayoutBatch = z.output<typeof createPayoutBatchSchema>

/** One row of a part: a payout without what its part says for all. */
export const batchedPayoutSchema = z.strictObject({ reference, amount, payee, network: network.optional(), description })
export type BatchedPayout = z.output<typeof batchedPayoutSchema>

/** A part of a batch: with its path, all that the merchant's signature says of its rows. */
export const addPayoutsSchema = z.strictObject({
  part: classed('internal', z.int().min(1).max(batchRowsMax)).meta({ description: 'Your number of this part, each once. Parts may come in any order.', example: 1 }),
  batch_reference: reference.meta({ description: 'The batch\'s own reference: each row counts once under it, whatever id the batch is answered with.', example: 'wages-2026-11' }),
  currency: currency.meta({ description: 'The batch\'s.', example: 'EUR' }),
  network: network.optional().meta({ description: 'Of the rows that name none.', example: 'mtn-sandbox' }),
  payouts: z.array(batchedPayoutSchema).min(1).max(partRowsMax),
})
export type AddPayouts = z.output<typeof addPayoutsSchema>

const partsDigest = classed('internal', z.string().regex(/^[0-9a-f]{64}$/))

/** What a second person saw of a whole batch, and approves; the signature is over all of it. */
export const approvePayoutBatchSchema = z.strictObject({
  reference: reference.meta({ description: 'As the batch shows it.', example: 'wages-2026-11' }),
  currency: currency.meta({ description: 'As the batch shows it.', example: 'EUR' }),
  count: classed('internal', z.int().min(1).max(batchRowsMax)).meta({ description: 'As the batch shows it.', example: 2 }),
  total: classed('internal', z.string().max(24)).meta({ description: 'As the batch shows it.', example: '12500.00' }),
  parts_digest: partsDigest.meta({ description: 'Its `approval.parts_digest`: these rows and no others.', example: '5d41402abc4b2a76b9719d911017c592ae4f6c1e0b7a3d8f5c2e9b1a4d7f0c63' }),
})
export type ApprovePayoutBatch = z.output<typeof approvePayoutBatchSchema>

/**
 * `open`: rows may come. `awaiting_approval`: all that were declared came, and wait for a second person. `complete`: all came, and go out. `refused`,
 * `expired`: a second person said no, or nobody anything; its rows fail. `cancelling`: it takes no more, and some are still to be cancelled.
 */
export const payoutBatchStatuses = ['open', 'awaiting_approval', 'complete', 'refused', 'expired', 'cancelling', 'cancelled'] as const
export type PayoutBatchStatus = (typeof payoutBatchStatuses)[number]

const count = classed('internal', z.int())
const total = classed('internal', z.string())

export const payoutBatchSchema = z.strictObject({
  id: classed('internal', idSchema('payoutBatch')),
  object: classed('public', z.literal('payout_batch')),
  world: classed('internal', worldSchema),
  status: classed('internal', z.enum(payoutBatchStatuses)),
  reference: classed('internal', z.string()),
  currency: classed('internal', z.string()),
  /** As it was declared. */
  count, total,
  accepted: z.strictObject({ count, total }),
  by_status: z.array(z.strictObject({ status: classed('internal', z.enum(paymentStatuses)), count, total }))
    .meta({ description: 'How its payouts stand now, with what they come to.' }),
  approval: payoutApprovalSchema.extend({
    parts_digest: partsDigest.nullable().meta({ description: 'What a second person signs for: all parts with their numbers. `null` until the last row came.' }),
  }).optional().meta({ description: 'Of a batch that needs a second person.' }),
  created_at: classed('internal', z.iso.datetime()),
  updated_at: classed('internal', z.iso.datetime()),
})
export type PayoutBatchView = z.output<typeof payoutBatchSchema>

export const payoutBatchPartSchema = z.strictObject({
  id: classed('internal', idSchema('payoutBatchPart')),
  object: classed('public', z.literal('payout_batch_part')),
  world: classed('internal', worldSchema),
  batch: classed('internal', idSchema('payoutBatch')),
  part: count,
  count, total,
  fee: total.meta({ description: 'What is taken of your balance beside the total.', example: '0.20' }),
  currency: classed('internal', z.string()),
  created_at: classed('internal', z.iso.datetime()),
})
export type PayoutBatchPartView = z.output<typeof payoutBatchPartSchema>

/** What is sealed of a part, before the body that the base has the digest of. */
export const sealedPartSchema = authorizationSchema.omit({ body: true })
export type SealedPart = z.output<typeof sealedPartSchema>
