import type { Money } from '@ngome/kernel'
import { z } from 'zod'
import { parseLooseMoney } from '../parse-loose-money.ts'

/** MTN answers with more members than these and adds others at will; what is not read here is not relied on. */
export const tokenSchema = z.object({
  access_token: z.string().min(1).max(4096),
  expires_in: z.number().positive().max(86_400),
})

/** How MTN writes its codes; anything else is words, which may hold a person's number, and is not passed on. */
const codePattern = /^[A-Z][A-Z_]{1,63}$/
const code = z.string().transform((text) => (codePattern.test(text) ? text : 'OTHER'))

/** Seen both as a text and as an object with a code. */
const reason = z.union([code, z.object({ code }).transform((object) => object.code)])
/** MTN's own number of a transaction: digits, as far as was seen. */
const transactionId = z.union([z.string(), z.number().transform(String)])
  .transform((text) => (/^[A-Za-z0-9-]{1,64}$/.test(text) ? text : null))

export const statusSchema = z.object({
  status: z.enum(['PENDING', 'SUCCESSFUL', 'FAILED']),
  externalId: z.string().max(128),
  amount: z.union([z.string(), z.number().transform(String)]),
  currency: z.string(),
  financialTransactionId: transactionId.nullish(),
  reason: reason.nullish(),
})
export type MomoStatus = z.output<typeof statusSchema>

export const errorSchema = z.object({ code })
export const balanceSchema = z.object({
  availableBalance: z.union([z.string().max(32), z.number().transform(String)]),
  currency: z.string(),
})
export const holderSchema = z.object({ result: z.boolean() })
export const callbackSchema = z.object({ status: z.string().max(64) })

/** MTN refuses longer notes, and apostrophes in them. */
const noteCharactersMax = 160

export function noteOf(text: string): string {
  return text.replace(/['’ʼ]/g, '').slice(0, noteCharactersMax).toWellFormed()
}

/** Compares what MTN says with what we asked; amounts as amounts. */
export function differencesOf(status: MomoStatus, asked: { readonly payment: string; readonly money: Money }): readonly string[] {
  const amount = parseLooseMoney(status.amount, asked.money.currency)
  return [
    ...(status.externalId === asked.payment ? [] : ['externalId']),
    ...(status.currency === asked.money.currency ? [] : ['currency']),
    ...(amount?.amountMinor === asked.money.amountMinor ? [] : ['amount']),
  ]
}
