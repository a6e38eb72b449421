import { parseStrictJson } from '@ngome/kernel'
import { z } from 'zod'
import type { AskedPayment, PaymentRequest } from '../payment-network.ts'

/** What the acquirer's codes are made of: ISO 8583's two characters, or words of ours and of its own without a digit. Anything else may hold a card. */
const codePattern = /^(?:[A-Z0-9]{2}|[a-z]+(?:_[a-z]+){0,5})$/
const code = z.string().transform((text) => (text.length <= 40 && codePattern.test(text) ? text : 'other'))
const identifier = z.string().transform((text) => (/^acq_[0-9a-f]{1,60}$/.test(text) ? text : null))

/** An order as the acquirer shows it; of what is more there nothing is relied on. */
export const orderSchema = z.object({
  id: identifier,
  reference: z.string().max(64),
  order: z.string().max(64),
  amount_minor: z.string().max(20),
  currency: z.string().max(8),
  status: z.enum(['processing', 'requires_action', 'succeeded', 'failed', 'unknown', 'reversed']),
  code: code.nullable(),
  action: z.object({ type: z.literal('redirect'), url: z.string() }).nullable(),
})
export type AcquirerOrder = z.output<typeof orderSchema>

export const errorSchema = z.object({ code })
export const accountSchema = z.object({ account: z.string(), status: z.literal('active') })

const callbackSchema = z.strictObject({ claim: z.string().max(2_048), signature: z.string().regex(/^[0-9a-f]{64}$/) })
const claimSchema = z.object({ status: z.enum(['succeeded', 'failed']) })
const callbackBounds = { depthMax: 1, nodesMax: 16 }

export function parseCallback(body: Uint8Array): { readonly claim: string; readonly signature: string } | undefined {
  const json = parseStrictJson(body, callbackBounds)
  return json.ok ? callbackSchema.safeParse(json.value).data : undefined
}

export function statusClaimed(claim: string): 'succeeded' | 'failed' | undefined {
  const json = parseStrictJson(Buffer.from(claim, 'utf8'), callbackBounds)
  return json.ok ? claimSchema.safeParse(json.value).data?.status : undefined
}

/** Longer notes are refused. */
const noteCharactersMax = 160

/** @returns the body of a payment: the only message of ours that has a card's number */
export function paymentBody(request: PaymentRequest): Uint8Array {
  const { card, description } = request
  if (card === undefined) throw new TypeError('a payment by card without one')
  const { number, expiry, returnUrl } = card
  return number.expose((digits) => bytesOf({
    ...orderOf(request),
    card: { number: digits, expiry_month: expiry.month, expiry_year: expiry.year },
    description: description === null ? null : description.slice(0, noteCharactersMax).toWellFormed(),
    return_url: returnUrl,
  }))
}

export function refundBody(request: PaymentRequest): Uint8Array {
  if (request.original === null) throw new TypeError('a refund of nothing')
  return bytesOf({ ...orderOf(request), payment: request.original.reference })
}

/** Money in the currency's smallest unit, as text: no reader's numbers come between. */
function orderOf({ reference, payment, money, callbackUrl }: PaymentRequest): object {
  return {
    reference, order: payment, amount_minor: money.amountMinor.toString(), currency: money.currency, callback_url: callbackUrl,
  }
}

function bytesOf(body: object): Uint8Array {
  return Buffer.from(JSON.stringify(body), 'utf8')
}

/** Compares what the acquirer says with what we asked. */
export function differencesOf(order: AcquirerOrder, asked: Pick<AskedPayment, 'reference' | 'payment' | 'money'>): readonly string[] {
  return [
    ...order.reference === asked.reference ? [] : ['reference'],
    ...order.order === asked.payment ? [] : ['order'],
    ...order.currency === asked.money.currency ? [] : ['currency'],
    ...order.amount_minor === asked.money.amountMinor.toString() ? [] : ['amount_minor'],
  ]
}
