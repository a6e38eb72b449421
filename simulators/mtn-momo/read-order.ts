import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import type { Books } from './books.ts'
import { single, type Caller } from './callers.ts'
import type { Movement } from './movement.ts'
import type { OperationName } from './operations.ts'
import { refusal, type Refusal } from './refusal.ts'
import { behaviourOf, isDocumentedRefund, type Outcome } from './test-numbers.ts'

const note = z.string().max(160).regex(/^[^']*$/)
const party = z.object({ partyIdType: z.literal('MSISDN'), partyId: z.string().regex(/^[1-9][0-9]{5,14}$/) })
const common = {
  amount: z.string().regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$/).refine((text) => Number(text) > 0),
  currency: z.string().length(3),
  externalId: z.string().min(1).max(64),
  payerMessage: note.default(''),
  payeeNote: note.default(''),
}
type Order = z.output<z.ZodObject<typeof common>> & { readonly party: string; readonly original: string | null }

const payeeSchema = z.object({ payee: party, ...common }).transform(({ payee, ...order }) => ({ ...order, party: payee.partyId, original: null }))
/** X-Reference-Id must be a UUID of version 4. */
const referencePattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const schemas: Readonly<Record<OperationName, z.ZodType<Order>>> = {
  requesttopay: z.object({ payer: party, ...common }).transform(({ payer, ...order }) => ({ ...order, party: payer.partyId, original: null })),
  transfer: payeeSchema,
  deposit: payeeSchema,
  refund: z.object({ referenceIdToRefund: z.string().min(1).max(64), ...common })
    .transform(({ referenceIdToRefund, ...order }) => ({ ...order, party: '', original: referenceIdToRefund })),
}

/** MTN's transaction ids have ten digits. */
const transactionIdMin = 1_000_000_000

export type Delays = {
  readonly decideAfterMs: number
  readonly delayedAfterMs: number
  readonly expireAfterMs: number
}
export type Received = { readonly headers: IncomingHttpHeaders; readonly body: unknown; readonly atMs: number }

/** Reads a request into the movement that it would make, or says why MTN refuses it. */
export async function readOrder(
  operation: OperationName, caller: Caller, { headers, body, atMs }: Received, books: Books, delays: Delays,
): Promise<Movement | Refusal> {
  const reference = single(headers['x-reference-id']) ?? ''
  if (!referencePattern.test(reference)) return refusal(400, 'BAD_REQUEST', 'X-Reference-Id must be a UUID of version 4.')
  const parsed = schemas[operation].safeParse(body)
  if (!parsed.success) return refusal(400, 'BAD_REQUEST', 'The request does not follow the specification.')
  const order = parsed.data
  if (order.currency !== caller.currency) return refusal(500, 'INVALID_CURRENCY', 'Currency not supported.')
  const callbackUrl = single(headers['x-callback-url']) ?? null
  const callbackRefusal = refuseCallbackUrl(caller, callbackUrl)
  if (callbackRefusal !== undefined) return callbackRefusal
  const refunded = order.original === null ? undefined : await books.movement(order.original)
  const other = refunded?.party ?? order.party
  const behaviour = behaviourOf(operation, caller.environment, other, order.original)
  if (behaviour.kind === 'refused') return refusal(behaviour.status, behaviour.code, behaviour.message)
  const afterMs = { soon: delays.decideAfterMs, delayed: delays.delayedAfterMs, expiry: delays.expireAfterMs }
  return {
    ...order,
    operation,
    reference,
    party: other,
    original: isDocumentedRefund(order.original ?? '') ? null : order.original,
    user: caller.user.id,
    environment: caller.environment,
    callbackUrl,
    takenAtMs: atMs,
    decidedAtMs: atMs + afterMs[behaviour.when],
    outcome: behaviour.outcome,
    // From the reference, so that a run can be repeated to the letter.
    financialTransactionId: String(transactionIdMin + createHash('sha256').update(reference).digest().readUInt32BE()),
  }
}

/** What a scripted decision makes of a movement. */
export function decidedAs(movement: Movement, reason: string | null): Movement {
  const outcome: Outcome = reason === null ? { status: 'SUCCESSFUL' } : { status: 'FAILED', reason }
  return { ...movement, outcome }
}

function refuseCallbackUrl(caller: Caller, text: string | null): Refusal | undefined {
  if (text === null) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHttp = url?.protocol === 'https:' || (url?.protocol === 'http:' && caller.environment === 'sandbox')
  // The host is registered with the API user in advance; only then does MTN call it.
  if (isHttp && url.hostname === caller.user.callbackHost) return undefined
  return refusal(500, 'INVALID_CALLBACK_URL_HOST', 'Callback URL with different host name then configured for API User.')
}
