import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema } from '../ids.ts'
import { createPaymentSchema } from './payments.ts'
import { payoutSchema } from './payouts.ts'

/** An approval is kept beside the payout as it was signed. */
export const approvalBodyBytesMax = 1_024

const { currency, reference } = createPaymentSchema.shape
/** As payouts are shown. A whole number is refused: what is approved is kept in clear. */
const maskedPhone = z.string().regex(/^(?:\+[0-9]{1,3})?•••(?:[0-9]{3})?$/)

/** What a second person saw, and approves; the signature is over all of it. */
export const approvePayoutSchema = z.strictObject({
  amount: classed('internal', z.string().max(16)).meta({ description: 'As the payout shows it.', example: '5000.00' }),
  currency,
  reference: reference.meta({ description: 'As the payout shows it.', example: 'wages-47' }),
  payee: z.strictObject({ phone: classed('internal', maskedPhone).meta({ description: 'Masked, as the payout shows it.', example: '+46•••499' }) }).optional(),
})
export type ApprovePayout = z.output<typeof approvePayoutSchema>

const party = {
  key: classed('internal', idSchema('apiKey')),
  signing_key: classed('internal', idSchema('merchantSigningKey')),
  at: classed('internal', z.iso.datetime()),
}

/** Who asked for a payout or a batch that needs a second person, and who decided it. */
export const payoutApprovalSchema = z.strictObject({
  asked: z.strictObject(party),
  answer: z.strictObject({ decision: classed('internal', z.enum(['approved', 'refused'])), ...party }).nullable(),
  expires_at: classed('internal', z.iso.datetime()).meta({ description: 'Without an answer until then it fails.' }),
})

/** A payout as it is read by itself. */
export const decidedPayoutSchema = payoutSchema.extend({
  approval: payoutApprovalSchema.optional().meta({ description: 'Of a payout that needs a second person.' }),
})
export type DecidedPayoutView = z.output<typeof decidedPayoutSchema>
