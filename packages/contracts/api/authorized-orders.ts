import { z } from 'zod'
import { createPaymentSchema } from './payments.ts'

const { amount, currency, network, reference, payer, description } = createPaymentSchema.shape

/** What a merchant signed for its money to go out, as the dispatcher reads it again: the bodies of the two orders. */
export const authorizedPayoutSchema = z.strictObject({ amount, currency, network, payee: payer, reference, description })
/** An absent amount is all of the collection's. */
export const authorizedRefundSchema = z.strictObject({ amount: amount.optional(), currency: currency.optional(), reference, description })
