import { z } from 'zod'
import { signedRefusalSchema } from './custodian.ts'
import { classed } from './classed.ts'

/**
 * A self-test: a process attempts what it must not be able to do, with its own credentials, and says what came of it: a
 * POST to `/self-test/<name>` on its internal port, for the operator's certificate only.
 */
export const selfTestRequestSchema = z.strictObject({
  /** Passed on to the custodian, which signs its refusal over it: the process can neither invent nor replay one. */
  challenge: classed('internal', z.base64url().min(22).max(86)),
  /** A listener of the one who asks, for an attempt to connect outwards. */
  port: classed('internal', z.int().min(1).max(65_535)).optional(),
  /** What to try to open; without it the process makes something up. */
  opening: z.strictObject({
    dataKey: classed('internal', z.base64url().max(16_384)),
    context: classed('internal', z.base64url().max(2_048)),
    salt: classed('internal', z.base64url().length(43)),
  }).optional(),
})
export type SelfTestRequest = z.output<typeof selfTestRequestSchema>

/** What came of it; never what the attempt may have got. */
export const selfTestResponseSchema = z.strictObject({
  outcome: classed('internal', z.enum(['refused', 'allowed', 'connected', 'not_attempted'])),
  refusal: signedRefusalSchema.nullable().optional(),
  code: classed('internal', z.string().max(100)).optional(),
})
export type SelfTestResponse = z.output<typeof selfTestResponseSchema>
