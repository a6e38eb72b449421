import { z } from 'zod'

/** The requests that a rule can be about. */
export const moments = [
  'directory', 'newNonce', 'newAccount', 'newOrder', 'order', 'authorization', 'challenge', 'finalize', 'certificate', 'renewalInfo',
] as const
export type Moment = (typeof moments)[number]

const mannersSchema = z.discriminatedUnion('kind', [
  /** Says no with a problem document (RFC 8555 §6.7). */
  z.strictObject({ kind: z.literal('problem'), type: z.string().max(512), status: z.int().min(400).max(599), retryAfter: z.string().max(64).optional(), detail: z.string().max(4_000).optional() }),
  /** Says no without a document. */
  z.strictObject({ kind: z.literal('answer'), status: z.int().min(400).max(599) }),
  z.strictObject({ kind: z.literal('hang') }),
  /** Ten megabytes of JSON. */
  z.strictObject({ kind: z.literal('huge') }),
  z.strictObject({ kind: z.literal('redirect'), location: z.string().max(2_048) }),
  /** On `directory` and `order`: every address that it gives is this one. */
  z.strictObject({ kind: z.literal('elsewhere'), url: z.string().max(2_048) }),
  /** On `order`: an order that is never filled. */
  z.strictObject({ kind: z.literal('processing') }),
  /** On `order`: an order of other names. */
  z.strictObject({ kind: z.literal('other_order') }),
  /** On `challenge`: it fails, whatever is answered. */
  z.strictObject({ kind: z.literal('invalid') }),
  /** On `authorization`: the challenge has this token. */
  z.strictObject({ kind: z.literal('token'), token: z.string().max(512) }),
  /** On `finalize`: what is wrong with the certificate that is issued. */
  z.strictObject({ kind: z.literal('issue'), flaw: z.enum(['other_key', 'other_names', 'more_names', 'other_root', 'expired', 'no_chain']) }),
  /** On `renewalInfo`: the window, in seconds from now. */
  z.strictObject({ kind: z.literal('window'), startS: z.int(), endS: z.int() }),
])
export type Manner = z.output<typeof mannersSchema>

export const scriptSchema = z.strictObject({
  rules: z.array(z.strictObject({ on: z.enum(moments), do: mannersSchema, times: z.int().min(1).max(1_000_000).optional() })).max(64),
})

/** The script in force: says what bad manner, if any, this moment gets. */
export class Manners {
  #rules: { readonly on: Moment; readonly manner: Manner; left: number }[] = []

  replace({ rules }: z.output<typeof scriptSchema>): void {
    this.#rules = rules.map(({ on, do: manner, times }) => ({ on, manner, left: times ?? Number.POSITIVE_INFINITY }))
  }

  take(on: Moment): Manner | undefined {
    const rule = this.#rules.find((one) => one.on === on && one.left > 0)
    if (rule === undefined) return undefined
    rule.left--
    return rule.manner
  }
}
