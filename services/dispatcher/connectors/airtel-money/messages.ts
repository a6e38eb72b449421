import { formatMoney, type Money, type Secret } from '@ngome/kernel'
import { z } from 'zod'
import { parseLooseMoney } from '../parse-loose-money.ts'
import type { PaymentRequest } from '../payment-network.ts'
import { transactionIdOf } from './transaction-id.ts'

/** Airtel answers with more members than these and adds others at will; what is not read here is not relied on. */
const text = z.string().max(256)
const textOrNumber = z.union([text, z.number().transform(String)])
/** Shown as a number and as a text of digits. */
const seconds = z.union([z.number(), z.string().regex(/^[0-9]{1,6}$/).transform(Number)])

export const tokenSchema = z.object({ access_token: z.string().min(1).max(4096), expires_in: seconds.pipe(z.number().positive().max(86_400)) })

const transactionSchema = z.object({
  // `false` in the documented answer to a request.
  id: z.union([textOrNumber, z.boolean()]).nullish(),
  status: text.nullish(),
  airtel_money_id: textOrNumber.nullish(),
  amount: textOrNumber.nullish(),
  currency: text.nullish(),
  country: text.nullish(),
})
/** Of the services behind the router; the router's own answers have `status_code` alone. */
export const answerSchema = z.object({
  data: z.object({ transaction: transactionSchema.nullish() }).nullish(),
  status: z.object({ response_code: text.nullish(), result_code: text.nullish(), success: z.boolean().nullish() }).nullish(),
  status_code: text.nullish(),
})
export type AirtelAnswer = z.output<typeof answerSchema>
export type AirtelTransaction = z.output<typeof transactionSchema>

export const keySchema = z.object({ data: z.object({ key: z.string().min(64).max(4096), valid_upto: z.string().max(64) }) })
export const balanceSchema = z.object({ data: z.object({ balance: textOrNumber, currency: text }) })
export const holderSchema = z.object({
  data: z.object({ is_barred: z.boolean().nullish(), msisdn: textOrNumber.nullish() }).nullish(),
  status: z.object({ response_code: text.nullish(), success: z.boolean().nullish() }),
})
export const callbackSchema = z.object({ id: text, status_code: text })

/**
 * The code of the service, or else of the bus, or else of the router. Anything else than a code of theirs is `NONE`: it goes
 * into logs, and a network's own words may hold a number.
 */
export function codeOf(answer: AirtelAnswer | undefined): string {
  const code = answer?.status?.response_code ?? answer?.status?.result_code ?? answer?.status_code ?? 'NONE'
  return /^(?:DP[0-9]{11}|ESB[0-9]{6}|ROUTER[0-9]{3}|[0-9]{7})$/.test(code) ? code : 'NONE'
}

/** Airtel's own number of a transaction, where it is one: letters first, as all that were seen. */
export function moneyIdOf(transaction: AirtelTransaction): string | null {
  const id = transaction.airtel_money_id ?? ''
  return /^[A-Z]{2}[A-Z0-9.]{4,38}$/.test(id) ? id : null
}

/** Where and in which money a connector works. */
export type Place = { readonly country: string; readonly currency: string; readonly callingCode: string }

/**
 * The number as Airtel takes it, without the country's code.
 * @returns `undefined` for a number of another country
 */
export function subscriberNumber(phone: Secret<string>, { callingCode }: Place): string | undefined {
  return phone.expose((number) => {
    const prefix = `+${callingCode}`
    const national = number.slice(prefix.length)
    return number.startsWith(prefix) && /^[1-9][0-9]{5,11}$/.test(national) ? national : undefined
  })
}

export function collectionBody(request: PaymentRequest, msisdn: string, { country, currency }: Place): Uint8Array {
  return bodyOf({
    reference: noteOf(request),
    subscriber: { country, currency, msisdn },
    transaction: { amount: amountOf(request.money), country, currency, id: transactionIdOf(request.reference) },
  })
}

/** @param pin encrypted, base64 */
export function disbursementBody(request: PaymentRequest, msisdn: string, pin: string): Uint8Array {
  return bodyOf({
    payee: { msisdn },
    reference: noteOf(request),
    pin,
    transaction: { amount: amountOf(request.money), id: transactionIdOf(request.reference) },
  })
}

export function refundBody(airtelMoneyId: string): Uint8Array {
  return bodyOf({ transaction: { airtel_money_id: airtelMoneyId } })
}

/** Compares what Airtel says with what we asked; what it does not say is not compared, but the id must be there. */
export function differencesOf(
  transaction: AirtelTransaction, asked: { readonly id: string; readonly money: Money }, place: Place,
): readonly string[] {
  const { id, amount, currency, country } = transaction
  const isAmount = amount === null || amount === undefined
    || parseLooseMoney(amount, asked.money.currency)?.amountMinor === asked.money.amountMinor
  return [
    ...(String(id).toLowerCase() === asked.id ? [] : ['id']),
    ...(isAmount ? [] : ['amount']),
    ...((currency ?? asked.money.currency) === asked.money.currency ? [] : ['currency']),
    ...((country ?? place.country) === place.country ? [] : ['country']),
  ]
}

const noteCharacters = { min: 4, max: 64 }

/** Letters, digits and spaces; what is too short then is our own id. */
function noteOf({ description, payment }: PaymentRequest): string {
  const note = (description ?? '').normalize('NFKD').replace(/[^A-Za-z0-9 ]/g, '').slice(0, noteCharacters.max).trim()
  return note.length < noteCharacters.min ? payment.replaceAll(/[^A-Za-z0-9]/g, '') : note
}

/** A JSON number: at most fourteen digits, which a double holds exactly. */
function amountOf(money: Money): number {
  return Number(formatMoney(money))
}

function bodyOf(message: object): Uint8Array {
  return Buffer.from(JSON.stringify(message), 'utf8')
}
