import { z } from 'zod'
import { classed } from '../classed.ts'
import { worldSchema } from '../ids.ts'

const amount = classed('confidential', z.string())

/** What a merchant's account in one currency holds. */
export const balanceSchema = z.strictObject({
  object: classed('public', z.literal('balance')),
  world: classed('internal', worldSchema),
  currency: classed('internal', z.string()).meta({ description: 'ISO 4217 code.', example: 'UGX' }),
  available: amount.meta({ description: 'What you can pay out or give back now. Never below zero; what you owe is not in it.' }),
  pending: amount.meta({ description: 'What payers were asked for and have not paid yet.' }),
  reserved: amount.meta({ description: 'What is on its way out, or back to payers, and not there yet.' }),
  owed: amount.meta({ description: 'What you owe beyond what is there, because networks took payments back. It is repaid of what comes in.' }),
})
export type BalanceView = z.output<typeof balanceSchema>

export const balancesSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(balanceSchema).meta({ description: 'One for each currency that you had payments in.' }),
})
