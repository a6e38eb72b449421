import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'

export const forwardMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type ForwardMethod = (typeof forwardMethods)[number]

/**
 * `accepted`: nothing left. `sent`: it may have. `answered`: the destination answered. `failed`: nothing left, and
 * nothing will. `unknown`: it may have been heard, no whole answer came, and it is never sent again.
 */
export const forwardStatuses = ['accepted', 'sent', 'answered', 'failed', 'unknown'] as const
export type ForwardStatus = (typeof forwardStatuses)[number]

/** Why nothing was sent. */
export const forwardFailures = [
  'destination_refused', 'token_unknown', 'token_unopenable', 'value_refused', 'template_refused', 'unreachable', 'too_late',
] as const
export type ForwardFailure = (typeof forwardFailures)[number]

export const forwardUrlLengthMax = 1_024
export const forwardHeadersMax = 16
export const forwardHeaderLengthMax = 2_048
export const forwardFormFieldsMax = 64
/** Different tokens in one forward; each is an opening. */
export const forwardTokensMax = 8
/** An answer is kept for this long after it came, and not a moment longer. */
export const forwardAnswerLifeMs = 3_600_000

/** Names that say where the request goes, how long it is or who sent it: those are ours to say. */
const refusedHeaders = /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept-encoding|proxy.*|forwarded|x-forwarded-.*|via|:.*)$/
const headerName = /^[a-z][a-z0-9_-]{0,63}$/

/** Names are the merchant's own words, so that an error points at the whole. */
const headers = classed('restricted', z.record(z.string(), z.unknown()).refine(isHeaders).transform((map) => map as Texts))
  .meta({
    description: `Up to ${forwardHeadersMax}, names in lower case. Their values may hold tokens. What says whereto and how long is refused: host, connection, content-*, …`,
    example: { 'x-request': 'order-42' },
  })
const form = classed('restricted', z.record(z.string(), z.unknown()).refine(isForm).transform((map) => map as Texts))
  .meta({ description: 'Sent as application/x-www-form-urlencoded. Values may hold tokens.' })
type Texts = Readonly<Record<string, string>>

export const createForwardSchema = z.strictObject({
  method: classed('internal', z.enum(forwardMethods)).meta({ example: 'POST' }),
  url: classed('restricted', z.string().min(1).max(forwardUrlLengthMax)).meta({
    description: 'Begins with an address that the operator allowed for you, to the letter. Tokens may stand in path segments and query values.',
    example: 'https://acquirer.example.com/v2/charges',
  }),
  headers: headers.optional(),
  json: classed('restricted', z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())])).optional().meta({
    description: 'Sent as application/json. Strings in it may hold tokens; names of members may not.',
    example: { card: { number: '{{tok_01k8z3f7q2e9d8m4n6p0r5s7tv}}' }, amount: 500 },
  }),
  form: form.optional(),
})
export type CreateForward = z.output<typeof createForwardSchema>

export const forwardAnswerSchema = z.strictObject({
  status: classed('internal', z.int()),
  headers: classed('confidential', z.record(z.string(), z.string())),
  body: classed('confidential', z.string()).nullable()
    .meta({ description: 'Without any form of the values that were sent; `null` where it was withheld.' }),
  body_withheld: classed('internal', z.enum(['media_type', 'encoding', 'not_text', 'too_large', 'values_in_it'])).nullable()
    .meta({ description: 'Why there is no body: of a type or an encoding that cannot be searched, larger than 48 KiB, or values that could not be removed.' }),
})
export type ForwardAnswer = z.output<typeof forwardAnswerSchema>

export const forwardSchema = z.strictObject({
  id: classed('internal', idSchema('forward')),
  object: classed('public', z.literal('forward')),
  world: classed('internal', worldSchema),
  status: classed('internal', z.enum(forwardStatuses)),
  failure: z.strictObject({ code: classed('internal', z.enum(forwardFailures)) }).nullable(),
  answer: forwardAnswerSchema.nullable().meta({ description: 'Kept for an hour, then gone.' }),
  created_at: classed('internal', z.iso.datetime()),
  ended_at: classed('internal', z.iso.datetime()).nullable(),
})
export type ForwardView = z.output<typeof forwardSchema>

/** What is sealed of a forward, all together, with the key that its answer is encrypted with. */
export const sealedForwardSchema = z.strictObject({
  destination: classed('restricted', idSchema('forwardDestination')),
  method: classed('restricted', z.enum(forwardMethods)),
  url: classed('restricted', z.string().min(1).max(forwardUrlLengthMax)),
  headers: classed('restricted', z.record(z.string(), z.string())),
  json: classed('restricted', z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())])).nullable(),
  form: classed('restricted', z.record(z.string(), z.string())).nullable(),
  answer_key: classed('restricted', z.base64url().length(43)),
})
export type SealedForward = z.output<typeof sealedForwardSchema>

function isHeaders(map: Readonly<Record<string, unknown>>): boolean {
  const entries = Object.entries(map)
  return entries.length <= forwardHeadersMax && entries.every(([name, value]) => headerName.test(name) &&
    !refusedHeaders.test(name) && typeof value === 'string' && isHeaderValue(value))
}

/** RFC 9110 §5.5 without its obsolete part: printable ASCII, no white space at either end. */
export function isHeaderValue(value: string): boolean {
  return value.length <= forwardHeaderLengthMax && /^(?:[!-~](?:[ -~]*[!-~])?)?$/.test(value)
}

function isForm(map: Readonly<Record<string, unknown>>): boolean {
  const entries = Object.entries(map)
  return entries.length <= forwardFormFieldsMax &&
    entries.every(([name, value]) => name !== '' && !name.includes('{{') && typeof value === 'string')
}
