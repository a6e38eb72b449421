import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'
import { alertKinds, anomalyResponses } from '../use.ts'

const count = classed('internal', z.int().nonnegative())
const counts = classed('internal', z.record(z.string(), z.int().nonnegative()))

/** What a key did in one minute or hour. */
export const keyUseSchema = z.strictObject({
  key: classed('internal', idSchema('apiKey')),
  at: classed('internal', z.iso.datetime()).meta({ description: 'When it begins, UTC.' }),
  requests: count.meta({ description: 'Proven to be of this key.' }),
  refused: count.meta({ description: 'Of them answered 4xx.' }),
  failed: count.meta({ description: 'Of them answered 5xx: our failures.' }),
  unauthenticated: count.meta({ description: 'Requests that named this key and did not prove it; in no other count.' }),
  unlogged: count.meta({ description: 'Requests beyond what the request log takes: counted here, not listed there.' }),
  latency_ms: z.strictObject({ mean: classed('internal', z.number()), max: classed('internal', z.number()) }),
  operations: counts,
  addresses: counts,
  countries: counts.meta({ description: 'ISO 3166-1; `unknown` where an address has none.' }),
  agents: counts,
  payments: classed('internal', z.record(z.string(), z.strictObject({
    count, total: classed('internal', z.string()).meta({ description: 'Decimal string in major units.' }),
  }))).meta({ description: 'Payments that were accepted, by currency.' }),
})
export type KeyUse = z.output<typeof keyUseSchema>

export const usageSchema = z.strictObject({
  object: classed('public', z.literal('usage')),
  world: classed('internal', worldSchema),
  by: classed('public', z.enum(['minute', 'hour'])),
  data: z.array(keyUseSchema),
})

/** One request of the merchant's. No path, body or header but the agent is kept of it. */
export const loggedRequestSchema = z.strictObject({
  id: classed('internal', idSchema('request')),
  object: classed('public', z.literal('request')),
  at: classed('internal', z.iso.datetime()),
  key: classed('internal', idSchema('apiKey')),
  operation: classed('internal', z.string()),
  status: classed('internal', z.int()),
  fault: classed('internal', z.string()).nullable().meta({ description: 'The `code` of the refusal.' }),
  latency_ms: classed('internal', z.number()),
  address: classed('internal', z.string()).nullable(),
  country: classed('internal', z.string()).nullable(),
  agent: classed('internal', z.string()).nullable(),
})
export type LoggedRequest = z.output<typeof loggedRequestSchema>

export const requestPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(loggedRequestSchema),
  next_cursor: classed('internal', z.string()).nullable(),
})

export const alertSchema = z.strictObject({
  id: classed('internal', idSchema('alert')),
  object: classed('public', z.literal('alert')),
  at: classed('internal', z.iso.datetime()),
  key: classed('internal', idSchema('apiKey')),
  kind: classed('internal', z.enum(alertKinds)),
  score: classed('internal', z.int().min(0).max(100)).meta({ description: 'How sure we are that this is not you.' }),
  reason: classed('internal', z.string()).meta({ description: 'In a sentence.' }),
  evidence: classed('internal', z.record(z.string(), z.string())).meta({ description: 'The numbers behind the reason, as text.' }),
  response: classed('internal', z.enum(anomalyResponses)).meta({ description: 'What was done by the operator\u2019s policy.' }),
})
export type AlertView = z.output<typeof alertSchema>

export const alertPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(alertSchema),
  next_cursor: classed('internal', z.string()).nullable(),
})
