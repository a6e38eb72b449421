import { z } from 'zod'
import { classed } from './classed.ts'

/**
 * How long one statement of a gateway's answer key counts. A gateway asks anew at a quarter of it, so that it crosses an hour
 * without the custodian; and what a thief of its key may sign as us ends with it.
 */
export const answerKeyLifeMs = 7_200_000

/** An Ed25519 public key: 32 bytes in base64url. */
const publicKey = classed('public', z.string().regex(/^[A-Za-z0-9_-]{43}$/))
const time = classed('public', z.iso.datetime())

/** What the custodian signs, and whoever verifies an answer checks: with this key a gateway of ours signs answers, for so long. */
export const answerKeySchema = z.strictObject({ key: publicKey, issued_at: time, expires_at: time })
export type AnswerKeyStatement = z.output<typeof answerKeySchema>

/** The custodian's operation about the keys that gateways sign answers with. */
export const answerKeyOperations = {
  '/v1/answer-key': {
    request: z.strictObject({ key: publicKey }),
    response: z.strictObject({ statement: classed('public', z.string().max(1_024)) }),
  },
} as const
