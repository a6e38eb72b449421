import { z } from 'zod'
import { ScriptInForce } from '../common/script-in-force.ts'
import { operationNames, products } from './operations.ts'

/** The longest that a scripted delay or hang lasts; a client that waits longer has no time limit at all. */
const delayMsMax = 600_000

const scope = {
  /** Only for this payer (digits with country code); without it for all. */
  payer: z.string().regex(/^[0-9]{6,15}$/).optional(),
  /** Only for this operation; of a token: for this product. Without it for all. */
  operation: z.enum([...operationNames, ...products]).optional(),
  /** For the next so many matches; without it until the script is replaced. */
  times: z.int().min(1).max(1_000_000).optional(),
  /** The share of matches that are hit, drawn from the seed. */
  share: z.number().min(0).max(1).optional(),
}
const status = z.int().min(400).max(599)
const delayMs = z.int().min(0).max(delayMsMax)

const requestManners = z.discriminatedUnion('kind', [
  /** Answers an error and takes nothing. */
  z.strictObject({ kind: z.literal('answer'), status }),
  /** Takes nothing and never answers. */
  z.strictObject({ kind: z.literal('hang') }),
  /** Takes the order and never answers. */
  z.strictObject({ kind: z.literal('take_and_hang') }),
  /** Takes the order and answers late. */
  z.strictObject({ kind: z.literal('take_and_answer_late'), delayMs }),
  /** Takes the order and answers an error. */
  z.strictObject({ kind: z.literal('take_and_answer'), status }),
  /** Takes the order only after this time, though the answer is an error at once: a request stuck in a queue. */
  z.strictObject({ kind: z.literal('answer_then_take'), status, delayMs }),
  z.strictObject({ kind: z.literal('token_expired') }),
  /** Answers 200 with a page for people, and takes nothing. */
  z.strictObject({ kind: z.literal('garbage') }),
  /** Takes the order and lets this become of it, whatever the number says. */
  z.strictObject({ kind: z.literal('decide'), reason: z.string().max(64).nullable() }),
])
const statusManners = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('answer'), status }),
  z.strictObject({ kind: z.literal('hang') }),
  z.strictObject({ kind: z.literal('answer_late'), delayMs }),
  z.strictObject({ kind: z.literal('token_expired') }),
  z.strictObject({ kind: z.literal('rate_capped') }),
  /** Says that there is no such order, although there is: MTN's copies settle late. */
  z.strictObject({ kind: z.literal('not_found') }),
  /** Says PENDING, also of what has ended: nobody knows how it stands. */
  z.strictObject({ kind: z.literal('pending') }),
  z.strictObject({ kind: z.literal('garbage') }),
])
const tokenManners = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('answer'), status }),
  z.strictObject({ kind: z.literal('hang') }),
  z.strictObject({ kind: z.literal('garbage') }),
])
const callbackManners = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('drop') }),
  z.strictObject({ kind: z.literal('twice') }),
  /** Decides at once and calls back before the 202 is answered. */
  z.strictObject({ kind: z.literal('before_answer') }),
  /** Says SUCCESSFUL of what failed, and FAILED of what succeeded. */
  z.strictObject({ kind: z.literal('lie') }),
  z.strictObject({ kind: z.literal('late'), delayMs }),
  /** Before the true one, one that nobody at MTN wrote. */
  z.strictObject({ kind: z.literal('forge') }),
  /** The end first, and then that it is pending. */
  z.strictObject({ kind: z.literal('out_of_order') }),
  z.strictObject({ kind: z.literal('by'), method: z.enum(['PUT', 'POST']) }),
  z.strictObject({ kind: z.literal('garbage') }),
])
export type CallbackManner = z.output<typeof callbackManners>

const ruleSchema = z.discriminatedUnion('on', [
  z.strictObject({ on: z.literal('request'), do: requestManners, ...scope }),
  z.strictObject({ on: z.literal('status'), do: statusManners, ...scope }),
  z.strictObject({ on: z.literal('token'), do: tokenManners, ...scope }),
  z.strictObject({ on: z.literal('callback'), do: callbackManners, ...scope }),
])

/** Rules a script may hold; the first that matches a moment decides. */
const rulesMax = 64

export const scriptSchema = z.strictObject({
  /** Without one, the simulator's own. */
  seed: z.int().min(0).max(0xffff_ffff).optional(),
  rules: z.array(ruleSchema).max(rulesMax),
})
export type Script = z.input<typeof scriptSchema>

/** The script in force: says what bad manner, if any, this moment gets. */
export class Manners extends ScriptInForce<z.output<typeof ruleSchema>> {}
