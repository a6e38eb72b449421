import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Account, Order } from './books.ts'
import type { Simulation } from './simulation.ts'
import { testCard, type TestCard } from './test-cards.ts'

/** A no, before anything was taken. */
export type Refusal = { readonly status: number; readonly code: string }

const reference = z.uuid()
const money = { amount_minor: z.string().regex(/^[1-9][0-9]{0,15}$/), currency: z.string().regex(/^[A-Z]{3}$/) }
const callbackUrl = z.url({ protocol: /^https?$/ }).max(2_048).nullable()
const paymentSchema = z.strictObject({
  reference, order: z.string().min(1).max(64), ...money,
  card: z.strictObject({
    number: z.string().regex(/^[0-9]{12,19}$/), expiry_month: z.int().min(1).max(12), expiry_year: z.int().min(2000).max(2099),
  }),
  description: z.string().max(160).nullable(),
  return_url: z.url({ protocol: /^https?$/ }).max(2_048),
  callback_url: callbackUrl,
})
const refundSchema = z.strictObject({ reference, order: z.string().min(1).max(64), ...money, payment: reference, callback_url: callbackUrl })

type From = { readonly account: Account; readonly key: string | undefined; readonly body: Buffer }

/** Reads a payment. Whatever is wrong with it is told by a code alone: a message might repeat the card. */
export function readPayment(simulation: Simulation, { account, key, body }: From): Order | Refusal {
  const { data } = paymentSchema.safeParse(parseJson(body))
  if (data === undefined || key !== data.reference) return { status: 422, code: 'request_invalid' }
  const card = testCard(data.card.number)
  // Whatever else is somebody's own.
  if (card === undefined) return { status: 422, code: 'card_not_supported' }
  if (card.refusal !== undefined) return { status: 422, code: card.refusal }
  const nowMs = simulation.nowMs()
  const isExpired = Date.UTC(data.card.expiry_year, data.card.expiry_month) <= nowMs
  const { status, code } = isExpired ? { status: 'failed' as const, code: '54' } : card.decision
  return {
    operation: 'payment', account: account.id, reference: data.reference, order: data.order, digest: digestOf(body),
    amountMinor: data.amount_minor, currency: data.currency, card: card.number, original: null,
    id: idOf(simulation), callbackUrl: data.callback_url, takenAtMs: nowMs,
    challenge: card.isChallenged === true && !isExpired
      ? { session: simulation.randomBytes(24).toString('hex'), returnUrl: data.return_url, expiresAtMs: nowMs + simulation.delays.challenge } : null,
    afterMs: delayOf(simulation, card.when ?? 'soon'), status, code,
  }
}

/** Reads a refund. Whether its payment succeeded, and has as much left, is for the books to say when they take it. */
export async function readRefund(simulation: Simulation, { account, key, body }: From): Promise<Order | Refusal> {
  const { books, nowMs } = simulation
  const { data } = refundSchema.safeParse(parseJson(body))
  if (data === undefined || key !== data.reference) return { status: 422, code: 'request_invalid' }
  const payment = await books.find({ account: account.id, operation: 'payment', reference: data.payment })
  if (payment === undefined) return { status: 422, code: 'not_refundable' }
  const { status, code, when } = refundOf(testCard(payment.card))
  return {
    operation: 'refund', account: account.id, reference: data.reference, order: data.order, digest: digestOf(body),
    amountMinor: data.amount_minor, currency: data.currency, card: payment.card, original: payment.reference,
    id: idOf(simulation), callbackUrl: data.callback_url, takenAtMs: nowMs(), challenge: null,
    afterMs: delayOf(simulation, when), status, code,
  }
}

function refundOf(card: TestCard | undefined): { status: 'succeeded' | 'failed'; code: string; when: 'soon' | 'delayed' } {
  const own = card?.refund
  if (own === undefined || own === 'delayed') return { status: 'succeeded', code: '00', when: own ?? 'soon' }
  return { ...own, when: 'soon' }
}

export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function delayOf({ delays }: Simulation, when: 'soon' | 'delayed'): number {
  return delays[when]
}

function idOf({ randomBytes }: Simulation): string {
  return `acq_${randomBytes(12).toString('hex')}`
}

function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}
