import { z } from 'zod'
import { challengeHeader, signedRefusalSchema } from './custodian.ts'
import { classed } from './classed.ts'

/**
 * A self-test: the process itself attempts what it must not be able to do, with its own credentials, and says what came
 * of it: `POST /self-test/<name>` on its internal port, for the operator's certificate only. Where the custodian has to
 * refuse, it signs its refusal over the challenge of the one who asks, so that the process cannot lie about it.
 */
export const selfTests = {
  /** Opens a record that it names itself: refused by the custodian, with its signature. */
  open: { path: '/self-test/open' },
  /** Reads and changes in the database what its role must not. */
  database: { path: '/self-test/database' },
} as const
export type SelfTestName = keyof typeof selfTests

export const selfTestRequestSchema = z.strictObject({
  /** Passed on to the custodian as the header `ngome-challenge`. */
  challenge: classed('internal', z.base64url().min(22).max(86)).meta({ header: challengeHeader }),
})

export const selfTestResponseSchema = z.strictObject({
  attempts: z.array(z.strictObject({
    what: classed('internal', z.string().max(200)),
    isRefused: classed('internal', z.boolean()),
    evidence: classed('internal', z.string().max(500)),
  })).min(1).max(32),
  /** The custodian's answer to the last attempt, where it was asked. */
  refusal: signedRefusalSchema.nullable(),
})
export type SelfTestResponse = z.output<typeof selfTestResponseSchema>
