import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'

/** E.164: a plus sign, then up to fifteen digits (ITU-T E.164 §6.2.1). */
export const phonePattern = /^\+[1-9][0-9]{6,14}$/
/** A merchant's own words on a payment: printable, without the apostrophe that MTN refuses. */
const notePattern = /^[\p{L}\p{N} .,:;#/()_+-]*$/u
/** A merchant's own reference: what survives every network's and every ledger's alphabet. */
export const referencePattern = /^[A-Za-z0-9._:-]{1,64}$/
export const networkPattern = /^[a-z][a-z0-9-]{1,31}$/

/** Which way a payment's money goes: in from a payer, out to one, or back. */
export const paymentDirections = ['collection', 'payout', 'refund'] as const
export type PaymentDirection = (typeof paymentDirections)[number]

/** docs/payment-states.md says what each is and what follows it. */
export const paymentStatuses = [
  'awaiting_approval', 'accepted', 'processing', 'in_doubt', 'succeeded', 'failed', 'cancelled', 'reversed',
] as const
/** Why a payment failed, whatever the network calls it. */
export const failureCodes = [
  'payer_refused', 'payer_timed_out', 'payer_unknown', 'insufficient_funds', 'limit_exceeded', 'not_allowed',
  'network_refused', 'record_refused', 'approval_refused', 'approval_expired', 'card_declined', 'card_expired', 'card_unusable',
  'authentication_failed',
] as const
export type PaymentStatus = (typeof paymentStatuses)[number]
export type FailureCode = (typeof failureCodes)[number]

/** ISO 8601, a month of this century. */
const cardExpiryPattern = /^20[0-9]{2}-(?:0[1-9]|1[0-2])$/

const networkField = classed('internal', z.string().regex(networkPattern))

export const createPaymentSchema = z.strictObject({
  amount: classed('confidential', z.string().max(16)).meta({ description: 'Decimal string in major units, e.g. "12.50".', example: '5.00' }),
  currency: classed('internal', z.string().length(3)).meta({ description: 'ISO 4217 code.', example: 'EUR' }),
  network: networkField.optional().meta({ description: 'The payment network; without it, the one that has numbers like the payer\'s.', example: 'mtn-sandbox' }),
  payer: z.strictObject({
    phone: classed('restricted', z.string().regex(phonePattern)).optional().meta({ description: 'E.164.', example: '+46733123499' }),
    card: classed('internal', idSchema('vaultToken')).optional()
      .meta({ description: 'In place of a phone: the vault token of a card number, by a network of cards (docs/cards.md).' }),
    card_expiry: classed('restricted', z.string().regex(cardExpiryPattern)).optional()
      .meta({ description: 'With a card: the month that stands on it, as YYYY-MM. It is sealed, and never shown.', example: '2031-04' }),
  }).meta({ description: 'A phone, or a card with its expiry.' }),
  return_url: classed('confidential', z.string().max(1_024)).optional()
    .meta({ description: 'With a card: where its holder goes on after his bank asked him. Of an origin of yours that the operator registered; nothing that comes back there is proof of anything.', example: 'https://shop.example/orders/42' }),
  reference: classed('internal', z.string().regex(referencePattern)).meta({ description: 'Your own reference.', example: 'order-42' }),
  description: classed('confidential', z.string().max(160).regex(notePattern)).optional()
    .meta({ description: 'Shown to the payer.', example: 'Two chapati' }),
})
/** Of what goes out: stated always, so that the merchant's signature says by which network. */
export const statedNetwork = networkField.meta({ description: 'The payment network.', example: 'mtn-sandbox' })
export type CreatePayment = z.output<typeof createPaymentSchema>

/** Who is at the other end of a movement, masked. */
export const maskedEndSchema = z.strictObject({
  phone: classed('internal', z.string()).nullable().meta({ description: 'Masked; `null` of a card.', example: '+46•••499' }),
  card: classed('internal', z.string()).optional().meta({ description: 'Of a card alone: its last four digits.', example: '•••• 4242' }),
})

/** What a payer has to do before a payment goes on. */
export const nextActionSchema = z.strictObject({
  type: classed('internal', z.literal('redirect')),
  url: classed('internal', z.string().max(1_024)).meta({ description: 'Send the payer here: his bank asks him whether it is he who pays.' }),
}).meta({ description: 'There only while the payment waits for its payer.' })
export type NextAction = z.output<typeof nextActionSchema>

export const paymentSchema = z.strictObject({
  id: classed('internal', idSchema('payment')),
  object: classed('public', z.literal('payment')),
  world: classed('internal', worldSchema),
  status: classed('internal', z.enum(paymentStatuses)),
  amount: classed('internal', z.string()),
  fee: classed('internal', z.string()).meta({ description: 'What is taken of the amount when it has come.', example: '0.08' }),
  currency: classed('internal', z.string()),
  network: classed('internal', z.string()),
  payer: maskedEndSchema,
  reference: classed('internal', z.string()),
  failure: z.strictObject({ code: classed('internal', z.enum(failureCodes)) }).nullable(),
  next_action: nextActionSchema.optional(),
  created_at: classed('internal', z.iso.datetime()),
  updated_at: classed('internal', z.iso.datetime()),
})
export type PaymentView = z.output<typeof paymentSchema>

export const paymentPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(paymentSchema),
  next_cursor: classed('internal', z.string()).nullable(),
})

/**
 * The merchant's own word for an order: the request as its key signed it (RFC 9421 §2.5 signature base), so that whoever opens the
 * record proves again who asked, and for what.
 */
export const authorizationSchema = z.strictObject({
  key: classed('restricted', idSchema('merchantSigningKey')),
  base: classed('restricted', z.string().max(4_096)),
  /** Base64. */
  signature: classed('restricted', z.base64().max(1_024)),
  /** The request's body, whose digest the base has. */
  body: classed('restricted', z.string().max(8_192)),
})
export type Authorization = z.output<typeof authorizationSchema>

/** What is sealed of a payment, all together, so that no part can be swapped for another payment's. */
export const sealedPaymentSchema = z.strictObject({
  /** The person at the other end; a refund's is its collection's payer, whom the gateway cannot read any more. */
  payer: z.strictObject({ phone: classed('restricted', z.string().regex(phonePattern)) }).optional(),
  /** In its place, of a collection by card: the number itself stays in the vault until it is sent. */
  card: z.strictObject({
    token: classed('restricted', idSchema('vaultToken')),
    expiry: classed('restricted', z.string().regex(cardExpiryPattern)),
    return_url: classed('restricted', z.string().max(1_024)),
  }).optional(),
  amount_minor: classed('restricted', z.string().regex(/^[1-9][0-9]*$/)),
  currency: classed('restricted', z.string()),
  direction: classed('restricted', z.enum(paymentDirections)),
  network: classed('restricted', z.string()),
  payee: classed('restricted', idSchema('merchant')),
  description: classed('restricted', z.string()).nullable(),
  /** The merchant's own; records from before it was sealed lack it. */
  reference: classed('restricted', z.string()).optional(),
  /** What the operator takes of it or for it; records from before there were fees lack it. */
  fee_minor: classed('restricted', z.string().regex(/^(?:0|[1-9][0-9]*)$/)).optional(),
  /** The collection that a refund gives back. */
  original: classed('restricted', idSchema('payment')).optional(),
  authorization: authorizationSchema.optional(),
  /** Of a batch's row, in place of its own authorization: the part that orders it, whose signature is kept once, and at which place. */
  ordered_in: z.strictObject({
    part: classed('restricted', idSchema('payoutBatchPart')),
    row: classed('restricted', z.int().min(0).max(9_999)),
  }).optional(),
})
export type SealedPayment = z.output<typeof sealedPaymentSchema>
