import { z } from 'zod'
import { ScriptInForce } from '../common/script-in-force.ts'

/** The longest that a scripted delay or hang lasts; a client that waits longer has no time limit at all. */
const delayMsMax = 600_000

const scope = {
  /** Only for this number (without the country's code); without it for all. */
  payer: z.string().regex(/^[0-9]{6,15}$/).optional(),
  /** For the next so many matches; without it until the script is replaced. */
  times: z.int().min(1).max(1_000_000).optional(),
  /** The share of matches that are hit, drawn from the seed. */
  share: z.number().min(0).max(1).optional(),
}
const status = z.int().min(400).max(599)
const delayMs = z.int().min(0).max(delayMsMax)
const done = <K extends string>(kind: K) => z.strictObject({ kind: z.literal(kind) })

/** Of collection, disbursement and refund alike. */
const requestManners = z.discriminatedUnion('kind', [
  /** Answers an error and takes nothing. */
  z.strictObject({ kind: z.literal('answer'), status }),
  /** Takes nothing and never answers. */
  done('hang'),
  /** Takes it and never answers. */
  done('take_and_hang'),
  z.strictObject({ kind: z.literal('take_and_answer_late'), delayMs }),
  /** Takes it and answers an error. */
  z.strictObject({ kind: z.literal('take_and_answer'), status }),
  /** Takes it and answers with this code of Airtel's: an ambiguous one, a time-out. */
  z.strictObject({ kind: z.literal('take_and_say'), code: z.string().regex(/^[A-Z]{2,6}[0-9]{3,12}$/) }),
  /** Takes it only after this time, though the answer is an error at once: a request stuck in a queue. */
  z.strictObject({ kind: z.literal('answer_then_take'), status, delayMs }),
  done('token_expired'),
  done('rate_capped'),
  /** Says that the signature does not match, although it does. */
  done('signature_mismatch'),
  /** Takes it and lets this become of it, whatever the number says. */
  z.strictObject({ kind: z.literal('decide'), status: z.enum(['TS', 'TF', 'TE', 'TA', 'TIP']), code: z.string().max(32) }),
])
export type Decision = Extract<z.output<typeof requestManners>, { kind: 'decide' }>

const statusManners = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('answer'), status }),
  done('hang'),
  z.strictObject({ kind: z.literal('answer_late'), delayMs }),
  done('token_expired'),
  done('rate_capped'),
  /** Says that there is no such transaction, although there is: copies settle late. */
  done('not_found'),
  /** Says that it does not know how it ends, although it does. */
  done('ambiguous'),
  /** Answers about a transaction that was not asked about. */
  done('another'),
])
const tokenManners = z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('answer'), status }), done('hang')])
const keyManners = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('answer'), status }),
  done('hang'),
  /** Publishes a key of another pair than the one that it opens messages with. */
  done('another'),
])
const callbackManners = z.discriminatedUnion('kind', [
  done('drop'),
  done('twice'),
  /** Decides at once and calls back before it answers. */
  done('before_answer'),
  /** Says TS of what failed, and TF of what succeeded, with a hash that is right. */
  done('lie'),
  /** The truth under a hash of another key. */
  done('forge'),
  /** The end first, and that it is in progress after it. */
  done('out_of_order'),
  z.strictObject({ kind: z.literal('late'), delayMs }),
])

export type CallbackManner = z.output<typeof callbackManners>

const ruleSchema = z.discriminatedUnion('on', [
  z.strictObject({ on: z.literal('request'), do: requestManners, ...scope }),
  z.strictObject({ on: z.literal('status'), do: statusManners, ...scope }),
  z.strictObject({ on: z.literal('token'), do: tokenManners, ...scope }),
  z.strictObject({ on: z.literal('keys'), do: keyManners, ...scope }),
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
