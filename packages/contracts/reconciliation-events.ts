import { z } from 'zod'
import { networkPattern } from './api/payments.ts'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'
import { differenceSteps } from './reconciliation.ts'

const paymentNetwork = classed('internal', z.string().regex(networkPattern))

/** What becomes of networks' reports, and of what differs in them. */
export const reconciliationEvents = {
  /** A network's report is here whole; what it says is not believed. */
  'reconciliation.report_imported': {
    severity: 'notice', data: z.strictObject({
      network: paymentNetwork, report: classed('internal', z.string()), digest: classed('internal', z.string().regex(/^[0-9a-f]{64}$/)),
      movements: classed('internal', z.int()), from: classed('internal', z.iso.datetime()), to: classed('internal', z.iso.datetime()),
      by: classed('internal', z.string().max(100)),
    }),
  },
  /** A network and we say different things of so many movements that nobody knew of. */
  'reconciliation.differences_found': {
    severity: 'warning', data: z.strictObject({
      network: paymentNetwork, found: classed('internal', z.int()), asked: classed('internal', z.int()),
    }),
  },
  'reconciliation.step_taken': {
    severity: 'notice', data: z.strictObject({
      difference: classed('internal', z.int()), what: classed('internal', z.enum(differenceSteps)), by: classed('internal', z.string().max(100)),
      adjustment: classed('internal', z.string()).nullable(),
    }),
  },
  /** Money left suspense, or what was missing there came, on one person's word alone: somebody else should look each time. */
  'reconciliation.released': {
    severity: 'alarm', data: z.strictObject({
      adjustment: classed('internal', idSchema('adjustment')), kind: classed('internal', z.string().max(64)), network: paymentNetwork,
      by: classed('internal', z.string().max(100)),
    }),
  },
} as const
