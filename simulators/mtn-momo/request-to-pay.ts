import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import type { Charge } from './books.ts'
import { single, type Caller, type RandomBytes } from './callers.ts'
import { refusal, type Refusal } from './refusal.ts'
import { behaviourOf, type Outcome } from './test-numbers.ts'

const note = z.string().max(160).regex(/^[^']*$/)
const bodySchema = z.object({
  amount: z.string().regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$/).refine((text) => Number(text) > 0),
  currency: z.string().length(3),
  externalId: z.string().min(1).max(64),
  payer: z.object({ partyIdType: z.literal('MSISDN'), partyId: z.string().regex(/^[1-9][0-9]{5,14}$/) }),
  payerMessage: note.default(''),
  payeeNote: note.default(''),
})
/** X-Reference-Id must be a UUID of version 4. */
const referencePattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** MTN's transaction ids have ten digits. */
const transactionIdMin = 1_000_000_000

export type Delays = {
  readonly decideAfterMs: number
  readonly delayedAfterMs: number
  readonly expireAfterMs: number
}

/** Reads a request to pay into the charge that it would make, or says why MTN refuses it. */
export function parseRequestToPay(
  caller: Caller, headers: IncomingHttpHeaders, body: unknown, delays: Delays, nowMs: number, randomBytes: RandomBytes,
): Charge | Refusal {
  const reference = single(headers['x-reference-id']) ?? ''
  if (!referencePattern.test(reference)) return refusal(400, 'BAD_REQUEST', 'X-Reference-Id must be a UUID of version 4.')
  const parsed = bodySchema.safeParse(body)
  if (!parsed.success) return refusal(400, 'BAD_REQUEST', 'The request does not follow the specification.')
  const { amount, currency, externalId, payer, payerMessage, payeeNote } = parsed.data
  if (currency !== caller.currency) return refusal(500, 'INVALID_CURRENCY', 'Currency not supported.')
  const callbackUrl = single(headers['x-callback-url']) ?? null
  const callbackRefusal = refuseCallbackUrl(caller, callbackUrl)
  if (callbackRefusal !== undefined) return callbackRefusal
  const behaviour = behaviourOf(caller.environment, payer.partyId)
  if (behaviour.kind === 'refused') return refusal(behaviour.status, behaviour.code, behaviour.message)
  const afterMs = { soon: delays.decideAfterMs, delayed: delays.delayedAfterMs, expiry: delays.expireAfterMs }
  return {
    reference,
    user: caller.user.id,
    environment: caller.environment,
    externalId,
    amount,
    currency,
    payer: payer.partyId,
    payerMessage,
    payeeNote,
    callbackUrl,
    takenAtMs: nowMs,
    decidedAtMs: nowMs + afterMs[behaviour.when],
    outcome: behaviour.outcome,
    financialTransactionId: String(transactionIdMin + randomBytes(4).readUInt32BE()),
  }
}

/** What a scripted decision makes of a charge. */
export function decidedAs(charge: Charge, reason: string | null): Charge {
  const outcome: Outcome = reason === null ? { status: 'SUCCESSFUL' } : { status: 'FAILED', reason }
  return { ...charge, outcome }
}

function refuseCallbackUrl(caller: Caller, text: string | null): Refusal | undefined {
  if (text === null) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHttp = url?.protocol === 'https:' || (url?.protocol === 'http:' && caller.environment === 'sandbox')
  // The host is registered with the API user in advance; only then does MTN call it.
  if (isHttp && url.hostname === caller.user.callbackHost) return undefined
  return refusal(500, 'INVALID_CALLBACK_URL_HOST', 'Callback URL with different host name then configured for API User.')
}
