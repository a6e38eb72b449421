import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, paymentIdSchema, worldSchema } from '../ids.ts'
import { createPaymentSchema, networkPattern } from './payments.ts'

/** How often payers may be asked for one session: a number that is mistyped, a PIN that is, and a phone without money. */
export const checkoutTriesMax = 5
/** Networks that a page has room for. */
export const checkoutNetworksMax = 12
const lifeSMin = 300
const lifeSMax = 7 * 86_400
const lifeSDefault = 86_400
const addressLengthMax = 512

/**
 * Where things stand with a session. `processing`: a payer was asked, and nobody knows yet. `failed`: its tries are used up.
 * `reversed`: it was paid, and the network took it back.
 */
export const checkoutStatuses = ['open', 'processing', 'paid', 'failed', 'reversed', 'cancelled', 'expired'] as const
export type CheckoutStatus = (typeof checkoutStatuses)[number]

/** An address that a payer's browser may be led to: HTTPS, no user before the host, no fragment, one spelling of it. */
const shopAddress = z.string().max(addressLengthMax).refine((text) => {
  const url = URL.parse(text)
  return url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '' && url.href === text
    && /^[\x21-\x7e]+$/.test(text)
}, 'must be an https address in its canonical form, without user and fragment')

export const createCheckoutSessionSchema = z.strictObject({
  amount: createPaymentSchema.shape.amount,
  currency: createPaymentSchema.shape.currency,
  reference: createPaymentSchema.shape.reference,
  description: createPaymentSchema.shape.description,
  networks: z.array(classed('internal', z.string().regex(networkPattern))).min(1).max(checkoutNetworksMax).optional()
    .meta({ description: 'Which networks the payer may pick; all of the currency that your key may use where it is left out.' }),
  success_url: classed('confidential', shopAddress).optional()
    .meta({ description: 'A link on the page once it was paid. Nobody is redirected.', example: 'https://shop.example/thanks' }),
  cancel_url: classed('confidential', shopAddress).optional()
    .meta({ description: 'A link on the page back to your shop.', example: 'https://shop.example/cart' }),
  expires_in: classed('internal', z.int().min(lifeSMin).max(lifeSMax)).default(lifeSDefault)
    .meta({ description: 'Seconds for which the link asks payers; a payment that began before goes on.' }),
})
export type CreateCheckoutSession = z.output<typeof createCheckoutSessionSchema>

export const checkoutSessionSchema = z.strictObject({
  id: classed('internal', idSchema('checkoutSession')),
  object: classed('public', z.literal('checkout_session')),
  world: classed('internal', worldSchema),
  status: classed('internal', z.enum(checkoutStatuses)),
  amount: classed('internal', z.string()),
  currency: classed('internal', z.string()),
  reference: classed('internal', z.string()),
  networks: z.array(classed('internal', z.string())),
  payment: classed('internal', paymentIdSchema()).nullable()
    .meta({ description: 'The payment of the last try; `null` before the first.' }),
  tries_left: classed('internal', z.int()).meta({ description: 'How often payers may still be asked.' }),
  expires_at: classed('internal', z.iso.datetime()),
  created_at: classed('internal', z.iso.datetime()),
})
export type CheckoutSessionView = z.output<typeof checkoutSessionSchema>

/** The answer to creation alone carries the link, once. */
export const createdCheckoutSessionSchema = checkoutSessionSchema.extend({
  url: classed('restricted', z.string()).nullable()
    .meta({ description: 'The link for the payer, shown this once; `null` where a repeated request gets this answer again.' }),
})

/** What the page needs and nobody else: encrypted under the link, so that only who has the link reads it. */
export const checkoutDetailsSchema = z.strictObject({
  description: classed('restricted', z.string()).nullable(),
  success_url: classed('restricted', shopAddress).nullable(),
  cancel_url: classed('restricted', shopAddress).nullable(),
})
export type CheckoutDetails = z.output<typeof checkoutDetailsSchema>
