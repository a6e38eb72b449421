import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'

const amount = classed('confidential', z.string())
const day = classed('internal', z.iso.date())

/** One movement in a merchant's account. */
export const statementEntrySchema = z.strictObject({
  object: classed('public', z.literal('statement_entry')),
  /** Of whatever moved the money: its prefix says what that was. */
  payment: classed('internal', z.string().regex(/^[a-z]{3}_[0-7][0-9a-z]{25}$/)).meta({ description: 'The payment, payout, refund, settlement or adjustment that moved it.' }),
  type: classed('internal', z.string().regex(/^[a-z_]{1,32}$/))
    .meta({ description: 'What it is: `collection`, `payout`, `refund`, `settlement`, the fee of one, such as `payout_fee`, or a correction, such as `suspense_to_merchant`. More may come.', example: 'collection' }),
  direction: classed('internal', z.enum(['credit', 'debit'])).meta({ description: '`credit` came into your account, `debit` left it.' }),
  amount: amount.meta({ description: 'Decimal string in major units.', example: '12.50' }),
  balance: amount.meta({ description: 'What the account held after it.' }),
  reference: classed('confidential', z.string()).meta({ description: 'Your own reference; of a correction its reason, of a settlement nothing.' }),
  network: classed('internal', z.string()),
  booked_on: day.meta({ description: 'The day that it is booked in, which never changes.' }),
  posted_at: classed('internal', z.iso.datetime()).meta({ description: 'When its outcome was recorded.' }),
})
export type StatementEntryView = z.output<typeof statementEntrySchema>

/** What a merchant's account held before and after closed days, and a page of what moved in between. */
export const statementSchema = z.strictObject({
  object: classed('public', z.literal('statement')),
  world: classed('internal', worldSchema),
  account: classed('internal', idSchema('account')),
  currency: classed('internal', z.string()).meta({ description: 'ISO 4217 code.', example: 'UGX' }),
  from: day.meta({ description: 'The first day.' }),
  to: day.meta({ description: 'The last day, itself in it.' }),
  opening_balance: amount.meta({ description: 'When the first day began.' }),
  credits: amount.meta({ description: 'All that came, on every page.' }),
  debits: amount.meta({ description: 'All that went, on every page.' }),
  closing_balance: amount.meta({ description: 'When the last day ended: opening balance, plus credits, less debits.' }),
  entry_count: classed('internal', z.int().min(0)).meta({ description: 'On every page.' }),
  data: z.array(statementEntrySchema).meta({ description: 'In the order in which they were posted.' }),
  next_cursor: classed('internal', z.string()).nullable().meta({ description: 'Where the next page begins; `null` on the last.' }),
})
export type StatementView = z.output<typeof statementSchema>
