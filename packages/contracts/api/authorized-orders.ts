import { z } from 'zod'
import { createPaymentSchema } from './payments.ts'

const { amount, currency, reference, description } = createPaymentSchema.shape

/** What a merchant signed for a refund to go out, as the dispatcher reads it again. */
export const authorizedRefundSchema = z.strictObject({ amount, currency: currency.optional(), reference, description })
