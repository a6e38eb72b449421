import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'

/** `created`: taken out of what is available, to be paid; `paid`: the operator's bank paid it; `failed`: it did not, and it is available again. */
export const settlementStates = ['created', 'paid', 'failed'] as const
export type SettlementState = (typeof settlementStates)[number]

/** Money of a merchant's that is paid to its bank. */
export const settlementSchema = z.strictObject({
  id: classed('internal', idSchema('settlement')),
  object: classed('public', z.literal('settlement')),
  world: classed('internal', worldSchema),
  status: classed('internal', z.enum(settlementStates))
    .meta({ description: '`created`: taken out of your available balance; `paid`: the bank paid it; `failed`: it did not, and it is available again.' }),
  amount: classed('confidential', z.string()).meta({ description: 'Decimal string in major units.', example: '1200.50' }),
  currency: classed('internal', z.string()).meta({ description: 'ISO 4217 code.', example: 'KES' }),
  day: classed('internal', z.iso.date()).meta({ description: 'The closed day whose money it is, with what was left of those before.' }),
  bank_reference: classed('internal', z.string()).nullable().meta({ description: 'The bank\u2019s, once it paid.' }),
  failure: classed('internal', z.string()).nullable().meta({ description: 'Why the bank did not pay.' }),
  created_at: classed('internal', z.iso.datetime()),
  updated_at: classed('internal', z.iso.datetime()),
})
export type SettlementView = z.output<typeof settlementSchema>

export const settlementPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(settlementSchema),
  next_cursor: classed('internal', z.string()).nullable().meta({ description: 'Where the next page begins; `null` on the last.' }),
})
