import { z } from 'zod'
import { ScriptInForce } from '../common/script-in-force.ts'

/** The longest that a scripted delay lasts; a client that waits longer has no time limit at all. */
const delayMsMax = 600_000

const scope = {
  /** Only for this card; without it for all. */
  payer: z.string().regex(/^[0-9]{12,19}$/).optional(),
  /** Only for payments, or only for refunds. */
  operation: z.enum(['payment', 'refund']).optional(),
  /** For the next so many matches; without it until the script is replaced. */
  times: z.int().min(1).max(1_000_000).optional(),
  /** The share of matches that are hit, drawn from the seed. */
  share: z.number().min(0).max(1).optional(),
}
const status = z.int().min(400).max(599)
const delayMs = z.int().min(0).max(delayMsMax)
const done = <K extends string>(kind: K) => z.strictObject({ kind: z.literal(kind) })

const requestManners = z.discriminatedUnion('kind', [
  /** Answers an error and takes nothing. */
  z.strictObject({ kind: z.literal('answer'), status }),
  done('hang'),
  done('take_and_hang'),
  z.strictObject({ kind: z.literal('take_and_answer'), status }),
  z.strictObject({ kind: z.literal('take_and_answer_late'), delayMs }),
  /** Takes it only after this time, though the answer is an error at once: a request stuck in a queue. */
  z.strictObject({ kind: z.literal('answer_then_take'), status, delayMs }),
  /** Answers 200 with a page for people, and takes nothing. */
  done('garbage'),
  /** Takes it and sends the payer to this address. */
  z.strictObject({ kind: z.literal('redirect'), url: z.string().max(2_048) }),
])
const enquiryManners = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('answer'), status }),
  done('hang'),
  done('not_found'),
  /** Says that it does not know how it ends. */
  done('ambiguous'),
  /** Says that it is being worked on, also of what has ended. */
  done('processing'),
  done('garbage'),
  /** Answers about another order than the one that was asked about. */
  done('another'),
  z.strictObject({ kind: z.literal('redirect'), url: z.string().max(2_048) }),
])
const callbackManners = z.discriminatedUnion('kind', [
  done('drop'),
  done('twice'),
  /** The truth under a signature of another key. */
  done('forge'),
  /** The opposite of what is so, under a signature that is right. */
  done('lie'),
  z.strictObject({ kind: z.literal('late'), delayMs }),
  /** Decides at once, and calls back before it answers; of a challenge, before the payer is sent back. */
  done('before_answer'),
  /** The end first, and then that it is being worked on. */
  done('out_of_order'),
  /** A body that is no callback. */
  done('garbage'),
])
export type RequestManner = z.output<typeof requestManners>
export type EnquiryManner = z.output<typeof enquiryManners>
export type CallbackManner = z.output<typeof callbackManners>

const ruleSchema = z.discriminatedUnion('on', [
  z.strictObject({ on: z.literal('request'), do: requestManners, ...scope }),
  z.strictObject({ on: z.literal('enquiry'), do: enquiryManners, ...scope }),
  z.strictObject({ on: z.literal('callback'), do: callbackManners, ...scope }),
])

/** Rules a script may hold; the first that matches a moment decides. */
const rulesMax = 64

export const scriptSchema = z.strictObject({
  seed: z.int().min(0).max(0xffff_ffff).optional(),
  rules: z.array(ruleSchema).max(rulesMax),
})

/** The script in force: says what bad manner, if any, this moment gets. */
export class Manners extends ScriptInForce<z.output<typeof ruleSchema>> {}
