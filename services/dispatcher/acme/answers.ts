import { parseStrictJson } from '@ngome/kernel'
import { z } from 'zod'
import { AcmeFailure, acmeErrors, own } from './acme-failure.ts'

/** What an authority answers, as far as we read it; members that we do not know are passed over (RFC 8555 §7). */
const bounds = { depthMax: 10, nodesMax: 1_024 }
const url = z.string().min(8).max(2_048)
/** More names than an order of ours has. */
const namesMax = 32

export const directorySchema = z.object({
  newNonce: url, newAccount: url, newOrder: url,
  /** RFC 9773 §4.1; absent where the authority says nothing about renewals. */
  renewalInfo: url.optional(),
})
export type Directory = z.output<typeof directorySchema>

const problemSchema = z.object({ type: z.string().max(512).default('about:blank'), detail: z.string().max(8_192).default('') })

const identifierSchema = z.object({ type: z.string().max(16), value: z.string().max(253) })

/** RFC 8555 §7.1.2. */
export const accountSchema = z.object({ status: z.enum(['valid', 'deactivated', 'revoked']) })

/** RFC 8555 §7.1.3. */
export const orderSchema = z.object({
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  identifiers: z.array(identifierSchema).min(1).max(namesMax),
  authorizations: z.array(url).min(1).max(namesMax),
  finalize: url,
  certificate: url.optional(),
  error: problemSchema.optional(),
})
export type AcmeOrder = z.output<typeof orderSchema>

/** RFC 8555 §7.1.4 and §8. Challenges of kinds that we do not know have members that we do not know. */
export const authorizationSchema = z.object({
  identifier: identifierSchema,
  status: z.enum(['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
  wildcard: z.boolean().optional(),
  challenges: z.array(z.object({
    type: z.string().max(64),
    url,
    status: z.enum(['pending', 'processing', 'valid', 'invalid']),
    token: z.string().max(512).optional(),
    error: problemSchema.optional(),
  })).max(16),
})
export type Authorization = z.output<typeof authorizationSchema>

/** RFC 9773 §4.2. */
export const renewalInfoSchema = z.object({
  suggestedWindow: z.object({ start: z.iso.datetime({ offset: true }), end: z.iso.datetime({ offset: true }) }),
})

/** @throws AcmeFailure where it is not JSON of this form */
export function readAnswer<S extends z.ZodType>(body: Uint8Array, schema: S, what: string): z.output<S> {
  const json = parseStrictJson(body, bounds)
  const parsed = json.ok ? schema.safeParse(json.value) : undefined
  if (parsed?.success === true) return parsed.data
  throw new AcmeFailure(own('unreadable_answer'), `${what} is not of the form that RFC 8555 gives it`)
}

/** @returns what the authority says no with; an answer that is no problem document says at least its status */
export function problemOf(status: number, body: Uint8Array, retryAfterMs: number | undefined): AcmeFailure {
  const json = parseStrictJson(body, bounds)
  const parsed = json.ok ? problemSchema.safeParse(json.value) : undefined
  if (parsed?.success !== true) return new AcmeFailure(`http:${status}`, 'an answer that is no problem document', { retryAfterMs })
  return new AcmeFailure(parsed.data.type, `${status} ${parsed.data.detail}`, { retryAfterMs, isOrderLost: status === 404 })
}

export function isProblem(error: unknown, name: string): error is AcmeFailure {
  return error instanceof AcmeFailure && error.problem === `${acmeErrors}${name}`
}
