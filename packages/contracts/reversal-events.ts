import { z } from 'zod'
import { classed } from './classed.ts'
import { paymentIdSchema } from './ids.ts'

const payment = classed('internal', paymentIdSchema())
const reversed = { severity: 'notice', data: z.strictObject({ payment, status: classed('internal', z.literal('reversed')) }) } as const

/** What networks take back. */
export const reversalEvents = {
  /** The operator has the network asked about it, also where it has succeeded. */
  'payment.recheck_asked': { severity: 'notice', data: z.strictObject({ payment }) },
  /** The network took back what had succeeded. */
  'payment.reversed': reversed,
  'payout.reversed': reversed,
  'refund.reversed': reversed,
} as const
