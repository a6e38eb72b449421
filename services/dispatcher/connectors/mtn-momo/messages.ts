import type { Money } from '@ngome/kernel'
import { z } from 'zod'
import { parseLooseMoney } from '../parse-loose-money.ts'

/** MTN answers with more members than these and adds others at will; what is not read here is not relied on. */
export const tokenSchema = z.object({
  access_token: z.string().min(1).max(4096),
  expires_in: z.number().positive().max(86_400),
})

/** Seen both as a text and as an object with a code. */
const reason = z.union([z.string().max(256), z.object({ code: z.string().max(256) }).transform(({ code }) => code)])

export const statusSchema = z.object({
  status: z.enum(['PENDING', 'SUCCESSFUL', 'FAILED']),
  externalId: z.string().max(128),
  amount: z.union([z.string(), z.number().transform(String)]),
  currency: z.string(),
  financialTransactionId: z.union([z.string(), z.number().transform(String)]).nullish(),
  reason: reason.nullish(),
})
export type MomoStatus = z.output<typeof statusSchema>

export const errorSchema = z.object({ code: z.string().max(256) })
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
