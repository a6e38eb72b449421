import { z } from 'zod'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'

const batch = classed('internal', idSchema('payoutBatch'))
const signedWith = classed('internal', idSchema('merchantSigningKey'))
const byPerson = { asked_with: classed('internal', idSchema('apiKey')), signed_with: signedWith }

/** Of payouts by the hundred thousand. */
export const payoutBatchEvents = {
  'payout_batch.opened': { severity: 'info', data: z.strictObject({ batch, count: classed('internal', z.int()), signed_with: signedWith }) },
  /** Over the limit of one person: a second one let it go, or did not, or nobody said anything in time. */
  'payout_batch.approved': { severity: 'notice', data: z.strictObject({ batch, ...byPerson }) },
  'payout_batch.refused': { severity: 'notice', data: z.strictObject({ batch, ...byPerson }) },
  'payout_batch.approval_expired': { severity: 'notice', data: z.strictObject({ batch }) },
  'payout_batch.cancelled': { severity: 'notice', data: z.strictObject({ batch, ...byPerson }) },
} as const
