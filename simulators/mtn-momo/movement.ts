import { z } from 'zod'
import { operationNames } from './operations.ts'
import type { Outcome } from './test-numbers.ts'

const facts = {
  reference: z.uuid(),
  user: z.uuid(),
  environment: z.string(),
  externalId: z.string(),
  amount: z.string(),
  currency: z.string(),
  payerMessage: z.string(),
  payeeNote: z.string(),
  callbackUrl: z.string().nullable(),
  takenAtMs: z.int(),
  decidedAtMs: z.int(),
  outcome: z.union([
    z.strictObject({ status: z.literal('SUCCESSFUL') }),
    z.strictObject({ status: z.literal('FAILED'), reason: z.string() }),
  ]),
  financialTransactionId: z.string(),
}
export const movementSchema = z.strictObject({
  kind: z.literal('movement'),
  operation: z.enum(operationNames),
  /** The number at the other end, digits with the country code. */
  party: z.string(),
  /** The request to pay that a refund gives back. */
  original: z.string().nullable(),
  ...facts,
})
/** How a request to pay was written before there were other movements. */
export const chargeSchema = z.strictObject({ kind: z.literal('charge'), payer: z.string(), ...facts })

/** One movement of money, as the books have it. */
export type Movement = Omit<z.output<typeof movementSchema>, 'kind'>
export type MovementState = { readonly status: 'PENDING' } | Outcome

export function stateOf(movement: Movement, nowMs: number): MovementState {
  return nowMs < movement.decidedAtMs ? { status: 'PENDING' } : movement.outcome
}
