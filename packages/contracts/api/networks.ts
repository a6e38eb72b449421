import { z } from 'zod'
import { classed } from '../classed.ts'
import { worldSchema } from '../ids.ts'
import { networkPattern, paymentDirections } from './payments.ts'

/** How a dispatcher sees a network. */
export const seenNetworkStatuses = ['operational', 'degraded', 'down'] as const
export type SeenNetworkStatus = (typeof seenNetworkStatuses)[number]
export const networkStatuses = [...seenNetworkStatuses, 'maintenance'] as const
export type NetworkStatus = (typeof networkStatuses)[number]

const instant = classed('public', z.iso.datetime())

/** A payment network as merchants see it. */
export const networkSchema = z.strictObject({
  object: classed('public', z.literal('network')),
  name: classed('public', z.string().regex(networkPattern)).meta({ example: 'mtn-ug' }),
  world: classed('internal', worldSchema),
  currency: classed('public', z.string()).meta({ description: 'ISO 4217 code.', example: 'UGX' }),
  country: classed('public', z.string()).nullable().meta({ description: 'ISO 3166 code, by how its numbers begin.', example: 'UG' }),
  calling_code: classed('public', z.string()).nullable().meta({ description: 'How its numbers begin, without the plus sign; `null` of a network of cards.', example: '256' }),
  directions: z.array(classed('public', z.enum(paymentDirections))).meta({ description: 'Which ways money goes by it.' }),
  status: classed('public', z.enum(networkStatuses))
    .meta({ description: 'degraded: it fails at times, or nobody has looked for a while. down: payments wait. maintenance: it is closed, as announced.' }),
  since: instant.nullable().meta({ description: 'Since when; null where that is not known.' }),
  maintenance: z.array(z.strictObject({
    from: instant, to: instant, reason: classed('public', z.string()).meta({ example: 'Upgrade of the core' }),
  })).meta({ description: 'When it is closed, now or later.' }),
})
export type NetworkView = z.output<typeof networkSchema>

export const networksSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(networkSchema).meta({ description: 'Every network of your world.' }),
})
