import { z } from 'zod'
import { classed } from './classed.ts'

/** More holders than this is a crowd; fewer than two shares is no quorum. */
export const sharesMax = 16
const shareCount = z.int().min(2).max(sharesMax)
const count = z.int().min(0).max(sharesMax)
/** A key of X25519, and bytes that are sealed to one: what is secret crosses the socket in no other form. */
const boxKey = z.base64url().max(64)
const sealed = z.base64url().max(512)

/** Why the custodian did not take what it was sent. None says which of several shares was the wrong one. */
export const ceremonyRefusals = [
  'malformed', 'other_version', 'other_set', 'repeated', 'wrong_root', 'not_made', 'already_made', 'busy', 'not_understood', 'failed',
] as const
export type CeremonyRefusal = (typeof ceremonyRefusals)[number]

/**
 * What the command of the ceremony sends over the custodian's Unix socket, one JSON document a line: a holder's share, or
 * the wish for a new set of shares, and then one `next` for each share that its holder has taken down.
 */
export const ceremonyRequest = z.discriminatedUnion('type', [
  z.strictObject({ type: classed('public', z.literal('share')), sealed: classed('restricted', sealed) }),
  z.strictObject({
    type: classed('public', z.literal('make')), shares: classed('internal', shareCount),
    threshold: classed('internal', shareCount), to: classed('public', boxKey),
  }),
  z.strictObject({ type: classed('public', z.literal('next')) }),
])
export type CeremonyRequest = z.output<typeof ceremonyRequest>

/** Where a custodian stands that waits for its root key: without a set of shares, or with `have` of `need` of them. */
export const ceremonyPhases = ['unmade', 'making', 'collecting'] as const
const stateFields = {
  phase: classed('internal', z.enum(ceremonyPhases)), have: classed('internal', count), need: classed('internal', count),
}
export type CeremonyState = { readonly phase: (typeof ceremonyPhases)[number]; readonly have: number; readonly need: number }

/** What the custodian answers; the first line of each connection is its state, with the key to seal a share to. */
export const ceremonyAnswer = z.discriminatedUnion('type', [
  z.strictObject({ type: classed('public', z.literal('state')), ...stateFields, key: classed('public', boxKey) }),
  z.strictObject({ type: classed('public', z.literal('accepted')), ...stateFields }),
  z.strictObject({ type: classed('public', z.literal('refused')), reason: classed('internal', z.enum(ceremonyRefusals)) }),
  z.strictObject({
    type: classed('public', z.literal('share')), number: classed('internal', z.int().min(1).max(sharesMax)),
    of: classed('internal', shareCount), sealed: classed('restricted', sealed),
  }),
  z.strictObject({ type: classed('public', z.literal('made')), set: classed('internal', z.string().max(32)) }),
  z.strictObject({ type: classed('public', z.literal('unsealed')) }),
])
export type CeremonyAnswer = z.output<typeof ceremonyAnswer>

/** Bytes of a line of either side, its end included. */
export const ceremonyLineBytesMax = 1024
