import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { busRefusal, envelope, routerRefusal, type Answer } from './answers.ts'
import type { Step, Transaction } from './books.ts'
import { digestOf, isEqual, single, type Caller, type RandomBytes } from './callers.ts'
import { isSignedMessage, openPin, type Keys } from './keys.ts'
import { behaviourOf, type Product, type When } from './test-numbers.ts'

/** Ids and references: letters and digits, 4 to 64. */
const id = z.string().regex(/^[A-Za-z0-9]{4,64}$/)
const reference = z.string().regex(/^[A-Za-z0-9 ]{4,64}$/)
const msisdn = z.string().regex(/^[1-9][0-9]{6,9}$/)
const amount = z.number().positive().max(999_999_999_999).refine((value) => Number.isInteger(Math.round(value * 100)))
const collectionSchema = z.object({
  reference,
  subscriber: z.object({ country: z.string(), currency: z.string(), msisdn }),
  transaction: z.object({ amount, country: z.string(), currency: z.string(), id }),
})
const disbursementSchema = z.object({
  payee: z.object({ msisdn }),
  reference,
  pin: z.string().min(1).max(1_024),
  transaction: z.object({ amount, id }),
})

/** When each kind of step comes, after the taking. */
export type Delays = Readonly<Record<When, number>>

export type MoneyRequest = {
  readonly kind: 'request'
  readonly transaction: Transaction
  /** What the number has the answer say, in place of what is usual. */
  readonly answerCode: string | undefined
  readonly refusal: Answer | undefined
}

type From = {
  readonly caller: Caller
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly keys: Keys
  readonly delays: Delays
  readonly nowMs: number
  readonly randomBytes: RandomBytes
}

/** @returns the refusal of a message that must be signed and is not signed with our key */
export function refuseSignature(product: Product, { caller, headers, body, keys }: Pick<From, 'caller' | 'headers' | 'body' | 'keys'>): Answer | undefined {
  if (!caller.country.signsMessages) return undefined
  if (isSignedMessage(keys, body, single(headers['x-key']), single(headers['x-signature']))) return undefined
  return signatureMismatch(product)
}

export function signatureMismatch(product: Product): Answer {
  return { ...envelope(product === 'collection' ? 'DP00800001026' : 'DP00900001018'), status: 403 }
}

/** Reads a request for money into the transaction that it would make, or says why Airtel refuses it. */
export function parseMoneyRequest(product: Product, from: From): MoneyRequest | Answer {
  const read = product === 'collection' ? readCollection(from) : readDisbursement(from)
  if ('status' in read) return read
  const behaviour = behaviourOf(product, read.msisdn)
  const transaction: Transaction = {
    ...read,
    product,
    application: from.caller.application.clientId,
    country: from.caller.application.country,
    currency: from.caller.country.currency,
    airtelMoneyId: moneyId(product, from.randomBytes),
    callbackUrl: single(from.headers['x-callback-url']) ?? from.caller.application.callbackUrl,
    takenAtMs: from.nowMs,
    steps: behaviour.kind === 'taken' ? behaviour.steps.map((step) => stepAt(step, product, from)) : [],
  }
  const answerCode = behaviour.kind === 'taken' ? behaviour.answerCode : undefined
  return { kind: 'request', transaction, answerCode, refusal: behaviour.kind === 'refused' ? refusalOf(behaviour) : undefined }
}

/** What a scripted decision makes of a transaction. */
export function decidedAs(transaction: Transaction, { status, code }: Pick<Step, 'status' | 'code'>): Transaction {
  return { ...transaction, steps: [{ atMs: transaction.steps[0]?.atMs ?? transaction.takenAtMs, status, code }] }
}

export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

type Read = Pick<Transaction, 'id' | 'reference' | 'msisdn' | 'amount'>

function readCollection({ caller, body }: From): Read | Answer {
  const parsed = collectionSchema.safeParse(parseJson(body))
  if (!parsed.success) return busRefusal('ESB000008')
  const { subscriber, transaction } = parsed.data
  const isHere = [subscriber, transaction].every((one) => (
    one.country === caller.application.country && one.currency === caller.country.currency
  ))
  if (!isHere) return busRefusal('ESB000008')
  return { id: transaction.id, reference: parsed.data.reference, msisdn: subscriber.msisdn, amount: String(transaction.amount) }
}

function readDisbursement({ caller, body, keys }: From): Read | Answer {
  const parsed = disbursementSchema.safeParse(parseJson(body))
  if (!parsed.success) return busRefusal('ESB000008')
  const { payee, transaction, pin: sealedPin } = parsed.data
  const pin = openPin(keys, caller.country.pinScheme, sealedPin)
  if (pin === undefined) return routerRefusal('ROUTER116')
  if (!isEqual(digestOf(pin), caller.application.pinDigest)) return routerRefusal('ROUTER115')
  return { id: transaction.id, reference: parsed.data.reference, msisdn: payee.msisdn, amount: String(transaction.amount) }
}

/** Payers need their time; a disbursement is done before it is answered, unless its number says otherwise. */
function stepAt(step: { readonly when: When; readonly status: Step['status']; readonly code: string }, product: Product, { delays, nowMs }: From): Step {
  const isAtOnce = product === 'disbursement' && step.when === 'soon'
  return { atMs: nowMs + (isAtOnce ? 0 : delays[step.when]), status: step.status, code: step.code }
}

function refusalOf({ refusal, code }: { readonly refusal: 'router' | 'bus' | 'envelope'; readonly code: string }): Answer {
  switch (refusal) {
    case 'router': return routerRefusal(code)
    case 'bus': return busRefusal(code)
    case 'envelope': return envelope(code)
    default: return refusal satisfies never
  }
}

/** Sixteen characters, as Airtel's documentation shows them masked. */
function moneyId(product: Product, randomBytes: RandomBytes): string {
  const digits = randomBytes(8).readBigUInt64BE() % 100_000_000_000_000n
  return `${product === 'collection' ? 'CI' : 'MP'}${String(digits).padStart(14, '0')}`
}
