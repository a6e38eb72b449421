import { z } from 'zod'
import { paymentDirections } from './api/payments.ts'
import { classed } from './classed.ts'
import { worldSchema } from './ids.ts'

/**
 * What the dispatcher found as the operator had it ask its networks: a POST to `/network-checks` on its internal port, for the
 * operator's certificate only. Credentials are not in it.
 */
export const networkChecksSchema = z.strictObject({
  data: z.array(z.strictObject({
    network: classed('internal', z.string()),
    world: classed('internal', worldSchema),
    connector: classed('internal', z.string()),
    directions: classed('internal', z.array(z.enum(paymentDirections))),
    /** None where the connector cannot be asked apart from payments. */
    products: z.array(z.strictObject({
      product: classed('internal', z.string()),
      outcome: classed('internal', z.enum(['good', 'refused', 'failing', 'away'])),
      status: classed('internal', z.int().nullable()),
      /** How far the network's clock is ahead of ours; `null` where it did not say. */
      clock_skew_s: classed('internal', z.int().nullable()),
    })),
    /** What the operator has there to pay out of, in major units; `null` where the network does not say. */
    balance: classed('confidential', z.strictObject({ amount: z.string(), currency: z.string() }).nullable()),
  })),
})
export type NetworkChecks = z.output<typeof networkChecksSchema>
export type NetworkCheck = NetworkChecks['data'][number]
