import { currencyDigits, type Currency } from '@ngome/kernel'
import { z } from 'zod'

const hourS = 3_600
/** The custodian opens a record for its dispatch for 72 hours, and its data key may be an hour older: what is approved has to be sent as well. */
const approvalExpiresAfterSMax = 70 * hourS

const limit = z.string().regex(/^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,3})?$/, 'must be a decimal in major units, such as "5000.00"')

/** What holds for payouts of all networks. */
export const payouts = z.strictObject({
  approvalOver: z.partialRecord(z.enum(Object.keys(currencyDigits) as [Currency, ...Currency[]], { error: 'must be a known ISO 4217 code' }), limit).default({})
    .describe('By currency: a payout of more than this waits for a second person. The gateway asks for it, and the dispatcher sends nothing without.'),
  approvalExpiresAfterS: z.int({ error: 'must be a whole number of seconds' }).min(60, 'must be at least 60 s: a person has to read it')
    .max(approvalExpiresAfterSMax, `must be at most ${approvalExpiresAfterSMax} s: the custodian opens a record for dispatch for 72 hours`)
    .default(48 * hourS).describe('A payout that nobody approved or refused within this time fails.'),
  batchRowsAtOnce: z.int({ error: 'must be a whole number' }).min(1, 'must be at least 1').max(64, 'must be at most 64: what a network is asked at once')
    .default(16).describe('Rows of one batch that a network is asked for at once, beside single payouts: one that takes a second for each gets so many a second.'),
})

/** Of the default network: with it a sandbox shows how a payout waits for a second person, and `ngome verify` probes it. */
export function defaultPayouts(): z.input<typeof payouts> {
  return { approvalOver: { EUR: '10000.00' } }
}
