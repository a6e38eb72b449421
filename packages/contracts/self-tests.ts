import { z } from 'zod'
import { signedRefusalSchema } from './custodian.ts'
import { classed } from './classed.ts'

/**
 * A self-test: a process attempts what it must not be able to do, with its own credentials, and says what came of it:
 * a POST on its internal port, for the operator's certificate only. Nothing that it may have got by it is in the answer.
 */
export const selfTests = {
  /**
   * Asks the custodian for the key of the named record, for purpose `dispatch`. The custodian signs its refusal over the
   * challenge of the one who asks, which the process passes on, so that it cannot lie about it.
   */
  '/self-test/open': {
    request: z.strictObject({
      challenge: classed('internal', z.base64url().min(22).max(86)),
      dataKey: classed('internal', z.base64url().max(16_384)),
      context: classed('internal', z.base64url().max(2_048)),
      salt: classed('internal', z.base64url().length(43)),
    }),
    response: z.strictObject({
      isRefused: classed('internal', z.boolean()),
      evidence: classed('internal', z.string().max(500)),
      refusal: signedRefusalSchema.nullable(),
    }),
  },
  /** Attempts in the database what the process's role must not do, each in a transaction that is rolled back. */
  '/self-test/database': {
    request: z.strictObject({}),
    response: z.strictObject({
      attempts: z.array(z.strictObject({
        what: classed('internal', z.string().max(200)),
        isRefused: classed('internal', z.boolean()),
        evidence: classed('internal', z.string().max(500)),
      })).min(1).max(64),
    }),
  },
} as const

export type SelfTestPath = keyof typeof selfTests
export type SelfTestRequest<P extends SelfTestPath> = z.input<(typeof selfTests)[P]['request']>
export type SelfTestResponse<P extends SelfTestPath> = z.output<(typeof selfTests)[P]['response']>
