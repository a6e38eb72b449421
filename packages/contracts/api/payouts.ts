import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'
import { createPaymentSchema, failureCodes, maskedEndSchema, paymentStatuses, phonePattern, statedNetwork } from './payments.ts'

/** The whole of what one signature orders: small enough that it is sealed beside it. */
export const payoutBodyBytesMax = 4_096

const { amount, currency, reference } = createPaymentSchema.shape

/** What a payout may say, beside whom it is paid to: the same as a collection. */
export const createPayoutSchema = z.strictObject({
  amount, currency,
  network: statedNetwork,
  payee: z.strictObject({
    phone: classed('restricted', z.string().regex(phonePattern)).meta({ description: 'E.164.', example: '+46733123499' }),
  }),
  reference,
  description: createPaymentSchema.shape.description.meta({ description: 'Shown to the payee.', example: 'Wages, week 47' }),
})
export type CreatePayout = z.output<typeof createPayoutSchema>

/** What payouts and refunds show alike. */
export const outgoingFields = {
  world: classed('internal', worldSchema),
  status: classed('internal', z.enum(paymentStatuses)).meta({ description: 'docs/payment-states.md says what each means.' }),
  amount: classed('internal', z.string()),
  fee: classed('internal', z.string()).meta({ description: 'What is taken of your balance beside the amount.', example: '0.10' }),
  currency: classed('internal', z.string()),
  network: classed('internal', z.string()),
  payee: maskedEndSchema,
  reference: classed('internal', z.string()),
  failure: z.strictObject({ code: classed('internal', z.enum(failureCodes)) }).nullable(),
  created_at: classed('internal', z.iso.datetime()),
  updated_at: classed('internal', z.iso.datetime()),
}

export const payoutSchema = z.strictObject({
  id: classed('internal', idSchema('payout')),
  object: classed('public', z.literal('payout')),
  ...outgoingFields,
})
export type PayoutView = z.output<typeof payoutSchema>

export const payoutPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(payoutSchema),
  next_cursor: classed('internal', z.string()).nullable(),
})
