import { z } from 'zod'
import { classed } from './classed.ts'
import { spkiPinSchema } from './tls-checks.ts'

/**
 * `current`: of a key in the chain that is served. `next`: of one that will be, by the calendar. `backup`: of a key that
 * nothing serves, kept offline for the day on which the others are lost.
 */
export const pinRoles = ['current', 'next', 'backup'] as const
export const pinsMax = 16
/** An app that nobody updated must not be locked out by a set that nobody renewed; a year is what stores keep old apps for. */
export const pinSetLifeMsMax = 400 * 86_400_000

const time = classed('public', z.iso.datetime())

export const pinSchema = z.strictObject({
  spki_sha256: spkiPinSchema,
  role: classed('public', z.enum(pinRoles)),
  /** The rotation calendar: from when to when the key may be in the chain. */
  not_before: time,
  not_after: time,
})
export type Pin = z.output<typeof pinSchema>

const fields = {
  version: classed('public', z.int().min(1).max(1_000_000)),
  names: z.array(classed('public', z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/))).min(1).max(32),
  /** After this an app checks pins no more, and the ordinary checks only. */
  expires_at: time,
  pins: z.array(pinSchema).min(2, 'a set without a backup locks apps out').max(pinsMax),
}

/** What the operator asks the custodian to sign. */
export const newPinSetSchema = z.strictObject(fields)
export type NewPinSet = z.output<typeof newPinSetSchema>

/** What the custodian signs, and apps check. */
export const pinSetSchema = z.strictObject({ ...fields, issued_at: time })
export type PinSet = z.output<typeof pinSetSchema>

/** What the API answers: the set for people to read, and the statement for apps to check. */
export const publishedPinSetSchema = z.strictObject({
  object: classed('public', z.literal('pin_set')),
  ...pinSetSchema.shape,
  /** The set as the custodian signed it: a JWS (RFC 7515) in Ed25519 (RFC 8037), of type `ngome-pins+jws`. */
  statement: classed('public', z.string().max(16_384)),
})
export type PublishedPinSet = z.output<typeof publishedPinSetSchema>

/** @returns what is wrong with a set beside its form, for the operator, or `undefined` */
export function pinSetProblem({ pins, expires_at: expiresAt }: NewPinSet, nowMs: number): string | undefined {
  const endMs = Date.parse(expiresAt)
  if (endMs <= nowMs || endMs > nowMs + pinSetLifeMsMax) return 'its end is over, or more than 400 days ahead'
  if (new Set(pins.map(({ spki_sha256: spki }) => spki)).size !== pins.length) return 'a key stands in it twice'
  if (pins.some((pin) => Date.parse(pin.not_before) >= Date.parse(pin.not_after))) return 'a pin ends before it begins'
  const holds = (role: Pin['role'], atMs: number): boolean =>
    pins.some((pin) => pin.role === role && Date.parse(pin.not_before) <= atMs && atMs < Date.parse(pin.not_after))
  if (!holds('current', nowMs)) return 'no pin is of a key that is served now'
  if (!holds('backup', nowMs)) return 'it has no backup for today'
  // On the last day of the set an app still checks: something must be there to match.
  const isCovered = pins.some((pin) => pin.role !== 'backup' && Date.parse(pin.not_after) >= endMs)
  return isCovered ? undefined : 'its calendar ends before the set does'
}

/** The custodian's operations about pins. */
export const pinOperations = {
  '/v1/pin-set': {
    request: z.strictObject({
      set: newPinSetSchema,
      /** A request (PKCS #10, PEM) by the key of each backup pin: who publishes a backup has it. */
      backupRequests: z.array(classed('internal', z.string().max(16_384))).min(1).max(pinsMax),
    }),
    response: z.strictObject({ statement: classed('public', z.string().max(16_384)) }),
  },
} as const
